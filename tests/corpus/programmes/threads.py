#> count(4, 1000) => 4000
#> nested count refused: captures `lock`
import threading

lock = threading.Lock()


def count(workers, times):
    total = [0]

    def work():
        for _ in range(times):
            with lock:
                total[0] += 1

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total[0]
