#> session() => ['open db', 'begin', 'work', 'rollback ValueError', 'close db']
import contextlib

LOG = []


class Transaction:
    def __enter__(self):
        LOG.append("begin")
        return self

    def __exit__(self, kind, error, tb):
        LOG.append("rollback " + kind.__name__ if kind else "commit")
        return True


@contextlib.contextmanager
def connection(name):
    LOG.append("open " + name)
    try:
        yield
    finally:
        LOG.append("close " + name)


def session():
    with connection("db"), Transaction():
        LOG.append("work")
        raise ValueError
    return LOG
