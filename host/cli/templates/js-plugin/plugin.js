// A plugin: functions that an application calls by name, with bytes.

import { InvalidInput, plugin } from './isopod.js';

function upper(input) {
  return input.text().toUpperCase();
}
upper.text = 'The text in capitals.';

function count_words(input) {
  const words = input.text().split(/\s+/).filter(Boolean);
  if (words.length === 0) throw new InvalidInput('the text has no words');
  return words.length;
}
count_words.text = 'How many words the text has.';

plugin({ upper, count_words });
