#> dump({'b': 1, 'a': [2]}) => '{"a":[2],"b":1}'
#> nested dump refused: captures `json`
try:
    import no_such_fast_json as json
except ImportError:
    import json


def dump(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
