// Counts records. The counts of two batches can be merged, so the application keeps the total: it outlives
// the instances of this plugin, and batches may be counted at the same time.

import { plugin } from './isopod.js';

const nothing = () => ({ requests: 0, malformed: 0, errors: 0, bytes: 0, hours: {}, sites: {}, clients: {} });

function count(input) {
  const counts = nothing();
  const add = (group, key) => (group[key] = (group[key] ?? 0) + 1);
  for (const line of input.text().split('\n').filter(Boolean)) {
    const record = JSON.parse(line);
    if (record.malformed !== undefined) {
      counts.malformed += 1;
      continue;
    }
    counts.requests += 1;
    counts.errors += record.status >= 500 ? 1 : 0;
    counts.bytes += record.bytes;
    add(counts.hours, record.hour);
    add(counts.sites, record.site);
    add(counts.clients, record.client);
  }
  return counts;
}
count.text = 'Counts of a batch of records.';

function merge(input) {
  return input.json().reduce(sum, nothing());
}
merge.text = 'One count of an array of them.';

// The keys are in order, so the result does not depend on the order of the batches.
function sum(one, other) {
  if (typeof one !== 'object') return one + (other ?? 0);
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  if (!('requests' in one)) keys.sort();
  return Object.fromEntries(keys.map((key) => [key, sum(one[key] ?? 0, other[key] ?? 0)]));
}

plugin({ count, merge });
