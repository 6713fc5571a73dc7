import { hostname } from 'node:os';

/** This process, as `host:pid`: how rows that outlive it name it. */
export const REPLICA = `${hostname()}:${process.pid}`.slice(-128);
