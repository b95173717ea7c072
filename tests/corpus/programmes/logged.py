#> work(2) prints 'INFO work: step 0\nINFO work: step 1\ndone\n' => None
#> nested work refused: captures `logger`
import logging
import sys

logger = logging.getLogger("work")


def work(n):
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for i in range(n):
        logger.info("step %d", i)
    print("done")
