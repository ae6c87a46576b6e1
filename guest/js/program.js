// The entry point of a program in JavaScript: isopod adds this file to it.
import { getArguments } from 'wasi:cli/environment@0.2.0';
import { start } from './isopod.js';
import * as program from './PROGRAM';

export const run = {
  run() {
    start(program, getArguments().slice(1));
  },
};
