# -*- coding: utf-8 -*-
"""Ein Skript von einem Windows-Rechner: BOM, CRLF, Tabulatoren, Umlaute, ein Pfad mit Backslash.

    hoist run tests/workflows/windows.py::zaehle
"""
import os

DATEI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "größen.txt")


def zaehle(ab=0):
	summe = 0
	with open(DATEI, encoding="utf-8") as datei:
		for zeile in datei:
			name, größe = zeile.strip().split(";")
			if float(größe) >= ab:
				summe += float(größe)
	text = """Summe:
	%s"""
	return text % summe


if __name__ == "__main__":
	print(zaehle())
