#> Temperature.from_fahrenheit(212) => 100.0
#> Temperature.check(-300) => False
#> Temperature.describe(Temperature(20)) => '20 C, cold'
#> Thermostat.run(Thermostat(15)) => [15, 16, 17]
class Temperature:
    ZERO = -273

    def __init__(self, celsius):
        self.celsius = celsius

    @classmethod
    def from_fahrenheit(cls, degrees):
        return cls((degrees - 32) / 1.8).celsius

    @staticmethod
    def check(celsius):
        return celsius > Temperature.ZERO

    @property
    def warm(self):
        return self.celsius > 25

    def describe(self):
        return f"{self.celsius} C, {'warm' if self.warm else 'cold'}"


class Thermostat:
    def __init__(self, start=15):
        self.now = start

    def step(self):
        self.now += 1
        return self.now

    def run(self):
        return [self.now] + [self.step() for _ in range(2)]
