#> speak() => ['Animal', 'Dog:Woof', 'Puppy:Woof!', '_Dog__secret', ['Dog', 'Puppy']]
KINDS = []


class Animal:
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        KINDS.append(cls.__name__)

    def sound(self):
        return type(self).__name__


class Dog(Animal):
    def __init__(self):
        self.__secret = 1

    def sound(self):
        return super().sound() + ":Woof"


class Puppy(Dog):
    def sound(self):
        return super().sound() + "!"


def speak():
    return [Animal().sound(), Dog().sound(), Puppy().sound(), list(vars(Dog()))[0], KINDS]
