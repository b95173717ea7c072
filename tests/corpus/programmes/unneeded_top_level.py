#> clean(' a ') => 'a'
data = open("/no/such/folder/data.csv").read()
model = undefined_function(data)
model.fit(data)
with open("/no/such/folder/out.txt", "w") as out:
    out.write("x")


def clean(text):
    return text.strip()


def analyse():
    return model.predict(data)


raise SystemExit(analyse())
