#> stop(4) raises SystemExit: the programme ended itself with exit status 4 at 8
import sys


def stop(code):
    try:
        print("stopping")
        sys.exit(code)
    finally:
        print("stopped")
