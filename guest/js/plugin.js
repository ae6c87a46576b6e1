// The entry point of a plugin in JavaScript: isopod adds this file to it.
import { doors } from './isopod.js';
import './PROGRAM';

export const functions = doors;
