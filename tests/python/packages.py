"""Packages from PyPI: their objects travel between processes, their code runs in workers."""

import attrs
import jinja2
import sortedcontainers
from multiprocessing import Pool, Process, Queue

TEMPLATE = jinja2.Template("{% for p in points %}({{ p.x }}, {{ p.y }}){{ ' ' }}{% endfor %}{{ text|e }}")


@attrs.frozen(order=True)
class Point:
    x: int
    y: int = attrs.field(default=0, validator=attrs.validators.ge(0))

    def moved(self, by):
        return attrs.evolve(self, x=self.x + by)


def render(number):
    points = [Point(number).moved(by) for by in range(2)]
    return TEMPLATE.render(points=points, text="<&>")


def send_points(queue, first):
    for number in range(first, 10, 2):
        queue.put(Point(number, number * number))
    queue.put(sortedcontainers.SortedDict({first: "first", -1: "last"}))


def main():
    with Pool(2) as pool:
        print(pool.map(render, range(3)))
    queue = Queue()
    processes = [Process(target=send_points, args=(queue, first)) for first in (0, 1)]
    for process in processes:
        process.start()
    received = [queue.get() for _ in range(12)]
    for process in processes:
        process.join()
    points = sortedcontainers.SortedList(one for one in received if isinstance(one, Point))
    print(points[0], points[-1], points.bisect_left(Point(5)))
    print(sorted(dict(one).popitem() for one in received if not isinstance(one, Point)))
    try:
        Point(1, -1)
    except ValueError as error:
        print(str(error).partition(":")[0])


if __name__ == "__main__":
    main()
