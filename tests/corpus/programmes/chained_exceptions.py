#> load('x') raises ConfigError: cannot read x at 15
class ConfigError(Exception):
    def __init__(self, name):
        super().__init__(f"cannot read {name}")


def parse(text):
    return {"a": 1}[text]


def load(name):
    try:
        return parse(name)
    except KeyError as error:
        raise ConfigError(name) from error
