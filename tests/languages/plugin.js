// A plugin of the tests.

import { InvalidInput, Queue, plugin } from './isopod.js';

const echo = (input) => input.bytes;
echo.text = 'The input.';

// Puts its input into the queue that comes with it, and gives the queue back.
function put(input) {
  const [queue] = input.objects;
  if (!(queue instanceof Queue)) throw new InvalidInput('one queue is to come with the call');
  queue.host.put(input.bytes, [], 0n);
  return queue;
}
put.text = 'Puts the input into a queue.';

function fail() {
  throw new Error('on purpose');
}

function loop() {
  for (;;);
}

function trap() {
  const deeper = (depth) => [depth, deeper(depth + 1)];
  return deeper(0);
}

plugin({ echo, put, fail, loop, trap });
