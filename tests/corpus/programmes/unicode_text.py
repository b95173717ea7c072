#> measure('Ströme') => (6, 7, 'STRÖME', ['LATIN SMALL LETTER O WITH DIAERESIS'])
import unicodedata


def measure(größe):
    return (
        len(größe),
        len(größe.encode("utf-8")),
        größe.upper(),
        [unicodedata.name(c) for c in größe if ord(c) > 127],
    )
