// Makes a component: node build.js ENTRY WIT WORLD OUTPUT, where componentize-js can be imported.
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';

const [sourcePath, witPath, worldName, output] = process.argv.slice(2);
const { component } = await componentize({
  sourcePath,
  witPath,
  worldName,
  // A plugin or program reaches the network only by what its policy grants, and none of it by HTTP.
  // The tool that runs the engine asks for a home directory; without one it would look into /etc/passwd.
  env: { HOME: process.env.HOME },
  disableFeatures: ['http', 'fetch-event'],
});
await writeFile(output, component);
