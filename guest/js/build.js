// Makes a component: node build.js ENTRY WIT WORLD OUTPUT. componentize-js must be importable from here.
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [sourcePath, witPath, worldName, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // A plugin or program reaches the network only through the grants of its policy, and never by HTTP.
  // The tool that runs the engine needs a home directory; without one it would read /etc/passwd.
  env: { HOME: process.env.HOME },
  disableFeatures: ['http', 'fetch-event'],
});
await writeFile(output, component);
