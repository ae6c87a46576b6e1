// Processes, pools, queues, pipes and locks for programs in JavaScript, and functions for plugins.
//
// A program exports `main`, which runs in the first process, and its tasks: functions that other processes
// run. A task travels by the name of its export. Values travel as JSON; queues, connections and locks may be
// anywhere in them, and so may a `Uint8Array`.
//
// Timeouts are in seconds; without one a call waits forever.

import * as hostPipe from 'isopod:multiprocessing/pipe@0.1.0';
import * as hostPool from 'isopod:multiprocessing/pool@0.1.0';
import * as hostProcess from 'isopod:multiprocessing/process@0.1.0';
import * as hostQueue from 'isopod:multiprocessing/queue@0.1.0';
import * as hostSync from 'isopod:multiprocessing/sync@0.1.0';

/** A refusal of the host, or the failure of a job: `kind` is a word such as `timed-out`. */
export class IsopodError extends Error {
  constructor(kind, text) {
    super(text || kind.replaceAll('-', ' '));
    this.name = 'IsopodError';
    this.kind = kind;
  }
}

/** Calls the host, and throws its refusals as `IsopodError`. */
function host(call) {
  try {
    return call();
  } catch (error) {
    const code = error?.payload;
    throw code?.tag === undefined ? error : new IsopodError(code.tag, code.val);
  }
}

const nanoseconds = (seconds) =>
  seconds === undefined ? undefined : BigInt(Math.max(0, Math.ceil(seconds * 1e9)));

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** The bytes of a view; none for anything else. The host's views are of another realm: `instanceof` fails. */
const bytesOf = (value) =>
  ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : undefined;

// ---- Values ----

const HANDLE = '$isopod.handle';
const BYTES = '$isopod.bytes';

/** The bytes of a value, and the handles of the objects in it. */
function encode(value) {
  const handles = [];
  const json = JSON.stringify(value, (_, one) => {
    if (one instanceof Shared) {
      handles.push(one.host.toHandle());
      return { [HANDLE]: handles.length - 1, kind: one.constructor.kind };
    }
    const bytes = bytesOf(one);
    return bytes ? { [BYTES]: bytes.toBase64() } : one;
  });
  return { bytes: utf8.encode(json === undefined ? 'null' : json), handles };
}

function decode({ bytes, handles }) {
  return JSON.parse(text.decode(bytes), (_, one) => {
    if (one === null || typeof one !== 'object') return one;
    if (one[HANDLE] !== undefined) return opened(handles[one[HANDLE]]);
    return one[BYTES] === undefined ? one : Uint8Array.fromBase64(one[BYTES]);
  });
}

/** The object behind a handle. */
function opened(handle) {
  const kind = KINDS.find((one) => one.kind === handle.kind());
  if (!kind) throw new IsopodError('wrong-kind', `a ${handle.kind()} cannot be used from JavaScript`);
  return new kind(kind.open(handle));
}

/** An object of the host that can travel in a value. */
class Shared {
  constructor(host) {
    this.host = host;
  }
}

// ---- Queues, pipes, locks ----

/** A first-in, first-out queue. */
export class Queue extends Shared {
  static kind = 'queue';
  static open = (handle) => hostQueue.Queue.open(handle);

  /** A missing bound means no bound. */
  static create({ maxMessages, maxBytes } = {}) {
    const bytes = maxBytes === undefined ? undefined : BigInt(maxBytes);
    return new Queue(host(() => hostQueue.Queue.create(maxMessages, bytes)));
  }

  put(value, timeout) {
    const { bytes, handles } = encode(value);
    host(() => this.host.put(bytes, handles, nanoseconds(timeout)));
  }

  get(timeout) {
    return decode(host(() => this.host.get(nanoseconds(timeout))));
  }

  get length() {
    return Number(this.host.len());
  }

  close() {
    this.host.close();
  }
}

/** One end of a pipe. */
export class Connection extends Shared {
  static kind = 'connection';
  static open = (handle) => hostPipe.Connection.open(handle);

  send(value, timeout) {
    const { bytes, handles } = encode(value);
    host(() => this.host.send(bytes, handles, nanoseconds(timeout)));
  }

  receive(timeout) {
    return decode(host(() => this.host.recv(nanoseconds(timeout))));
  }

  /** Whether `receive` would return at once. */
  poll(timeout = 0) {
    return host(() => this.host.poll(nanoseconds(timeout)));
  }
}

/** Two connected ends. Without `duplex` the first only receives and the second only sends. */
export function pipe({ duplex = true } = {}) {
  return host(() => hostPipe.create(duplex)).map((end) => new Connection(end));
}

/** A lock that one process at a time can hold. */
export class Lock extends Shared {
  static kind = 'lock';
  static open = (handle) => hostSync.Lock.open(handle);

  static create() {
    return new Lock(host(() => hostSync.Lock.create()));
  }

  /** Returns `abandoned` if the last owner ended without releasing the lock, else `clean`. */
  acquire(timeout) {
    return host(() => this.host.acquire(nanoseconds(timeout)));
  }

  release() {
    host(() => this.host.release());
  }

  /** Runs a function while this process holds the lock. */
  with(run) {
    this.acquire();
    try {
      return run();
    } finally {
      this.release();
    }
  }
}

const KINDS = [Queue, Connection, Lock];

// ---- Processes ----

/** The exports of the program's module. */
let exported = {};

function nameOf(task) {
  for (const [name, value] of Object.entries(exported)) {
    if (value === task) return name;
  }
  throw new IsopodError(
    'invalid-argument',
    `the task \`${task?.name || task}\` is not exported by the program's main module`,
  );
}

const taskMessage = (task, args) => encode({ task: nameOf(task), args });

/** Runs the task in a message, and returns its value. */
function runTask(message) {
  const { task, args } = decode(message);
  const run = exported[task];
  if (typeof run !== 'function') throw new IsopodError('not-found', `there is no task \`${task}\``);
  return run(...args);
}

/** An isolated instance of this program. */
export class Process {
  constructor(host) {
    this.host = host;
  }

  /** Starts a process that runs `task(...args)`. */
  static spawn(task, args = [], { name, daemon, memoryBytes, timeout, cpuTime } = {}) {
    const options = new hostProcess.Options();
    host(() => {
      if (name !== undefined) options.setName(name);
      if (daemon !== undefined) options.setDaemon(daemon);
      if (memoryBytes !== undefined) options.setMemoryLimit(BigInt(memoryBytes));
      if (timeout !== undefined) options.setTimeout(nanoseconds(timeout));
      if (cpuTime !== undefined) options.setCpuTimeLimit(nanoseconds(cpuTime));
    });
    const { bytes, handles } = taskMessage(task, args);
    return new Process(host(() => hostProcess.Process.spawn(nameOf(task), bytes, handles, options)));
  }

  /** Waits for the end of the process, and returns its exit status: `{ tag: 'exited', val: 0 }`. */
  join(timeout) {
    return host(() => this.host.join(nanoseconds(timeout)));
  }

  terminate() {
    host(() => this.host.terminate());
  }

  kill() {
    host(() => this.host.kill());
  }

  get alive() {
    return this.host.isAlive();
  }

  get id() {
    return Number(this.host.id());
  }

  get name() {
    return this.host.name();
  }
}

/** The number of cores that processes may use. */
export const coreCount = () => hostProcess.coreCount();

/** Ends the calling process with an exit code. */
export const exit = (code = 0) => hostProcess.exit(code & 0xff);

// ---- Pools ----

function valueOf({ tag, val }) {
  if (tag === 'value') return decode(val);
  if (tag === 'worker-lost') {
    throw new IsopodError(tag, `the worker ended before its job: ${val.tag}${val.val ? `: ${val.val}` : ''}`);
  }
  throw new IsopodError(tag, val);
}

/** A number of worker processes. */
export class Pool {
  static create({ workers, maxJobsPerWorker, jobTimeout, memoryBytes } = {}) {
    const options = new hostPool.Options();
    const pool = new Pool();
    pool.host = host(() => {
      if (workers !== undefined) options.setWorkers(workers);
      if (maxJobsPerWorker !== undefined) options.setMaxJobsPerWorker(maxJobsPerWorker);
      if (jobTimeout !== undefined) options.setJobTimeout(nanoseconds(jobTimeout));
      if (memoryBytes !== undefined) options.setMemoryLimit(BigInt(memoryBytes));
      return hostPool.Pool.create(options);
    });
    return pool;
  }

  /** `task(item)` for each item, in their order. Throws the error of the first failed one. */
  map(task, items) {
    const batch = this.#submit(task, items.map((item) => [item]));
    return items.map(() => valueOf(host(() => batch.next(undefined))));
  }

  /** `[position, value]` of `task(item)` for each item, in the order in which the jobs end. */
  *imapUnordered(task, items) {
    const batch = this.#submit(task, items.map((item) => [item]));
    for (let ended = 0; ended < items.length; ended += 1) {
      const [position, outcome] = host(() => batch.nextEnded(undefined));
      yield [position, valueOf(outcome)];
    }
  }

  /** `task(...args)` in a worker. */
  apply(task, args = []) {
    return valueOf(host(() => this.#submit(task, [args]).next(undefined)));
  }

  #submit(task, calls) {
    const jobs = calls.map((args) => taskMessage(task, args));
    return host(() => this.host.submit(nameOf(task), jobs, undefined, false));
  }

  close() {
    this.host.close();
  }

  terminate() {
    this.host.terminate();
  }

  join(timeout) {
    host(() => this.host.join(nanoseconds(timeout)));
  }
}

/** Serves a pool until it has no more jobs. */
function work() {
  let report;
  let handles = [];
  for (;;) {
    const job = nextJob(report, handles);
    if (job === undefined) return;
    handles = [];
    try {
      if (job.name !== undefined) {
        throw new IsopodError('not-found', `no task has the public name \`${job.name}\``);
      }
      const value = encode(runTask(job.message));
      report = { tag: 'value', val: value.bytes };
      handles = value.handles;
    } catch (error) {
      report = { tag: 'failed', val: describe(error) };
    }
  }
}

/** Reports a result, or an error if the host cannot keep the result. Returns the next job. */
function nextJob(report, handles) {
  try {
    return host(() => hostPool.nextJob(report, handles));
  } catch (error) {
    if (report === undefined || !['limit-exceeded', 'message-too-large'].includes(error.kind)) throw error;
    return host(() => hostPool.nextJob({ tag: 'failed', val: error.message }, []));
  }
}

// ---- The entry points ----

const describe = (error) =>
  error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`;

/** Runs this process in the role that the host assigns. The file that isopod adds to a program calls it. */
export function start(program, args) {
  exported = program;
  try {
    const entry = hostProcess.entry();
    if (entry.tag === 'main') program.main(args);
    else if (entry.tag === 'task') runTask(entry.val);
    else work();
  } catch (error) {
    hostProcess.fail(`${describe(error)}\n${error?.stack ?? ''}`.trimEnd());
  }
}

let functions = {};

/**
 * Makes the module a plugin with these functions. Each receives an `Input` and returns a string, a
 * `Uint8Array`, or any other value, which is written as JSON; no value gives no bytes. Its property `text`
 * describes it.
 */
export function plugin(all) {
  functions = all;
}

/** The input of a plugin's function. */
export class Input {
  #handles;

  constructor(bytes, handles) {
    this.bytes = bytesOf(bytes);
    this.#handles = handles;
  }

  text() {
    return text.decode(this.bytes);
  }

  /** Throws a `SyntaxError` for text that is not JSON, which the caller receives as an error in the input. */
  json() {
    return JSON.parse(this.text());
  }

  /** The queues, connections and locks that came with the call. */
  get objects() {
    return this.#handles.map(opened);
  }
}

/** A plugin's function throws this to report that its input is wrong. */
export class InvalidInput extends Error {
  name = 'InvalidInput';
}

/** The exported interface of a plugin. The file that isopod adds to it calls this. */
export const doors = {
  describe: () =>
    Object.entries(functions).map(([name, run]) => ({ name, text: run.text ?? '' })),

  call(name, bytes, handles) {
    if (!Object.hasOwn(functions, name)) {
      const names = Object.keys(functions).map((one) => `\`${one}\``).join(', ');
      throw { tag: 'unknown-function', val: `no function is named \`${name}\`; the plugin has: ${names}` };
    }
    try {
      return output(functions[name](new Input(bytes, handles)));
    } catch (error) {
      if (error instanceof InvalidInput) throw { tag: 'invalid-input', val: error.message };
      const isInput = error instanceof SyntaxError;
      throw { tag: isInput ? 'invalid-input' : 'failed', val: describe(error) };
    }
  },
};

function output(value) {
  if (value === undefined) return { bytes: new Uint8Array(), handles: [] };
  if (typeof value === 'string') return { bytes: utf8.encode(value), handles: [] };
  const bytes = bytesOf(value);
  if (bytes) return { bytes, handles: [] };
  if (value instanceof Shared) return { bytes: new Uint8Array(), handles: [value.host.toHandle()] };
  return { bytes: utf8.encode(JSON.stringify(value)), handles: [] };
}
