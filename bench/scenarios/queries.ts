import { setTimeout as delay } from 'node:timers/promises';
import { addClients } from '../admin.js';
import { atMost } from '../format.js';
import { PostgresDatabase } from '../postgres.js';
import type { Figure, Scenario } from '../scenario.js';
import { StatementCounter, type Statements } from '../statement-counter.js';
import { exactly } from '../throughput.js';
import { bearer, readOf } from '../world.js';

const READS = 100_000;
const MINUTE_MS = 60_000;
/** A turn of the minute lies in each half, with time for what is written then. */
const HALF_MS = 62_000;
/** So early in a minute that the reads end in it, on any machine. */
const EARLY_MS = 40_000;
const NAME_LENGTH = 40;

/**
 * What a read costs the database: nothing. Statements are told apart by their text: the polls and the chores
 * of each minute are there without reads as well. The reads come first, since the quiet minute must have
 * nothing to write down of those that waited for the service to start.
 */
export const queries: Scenario = {
  name: 'queries',
  about: `Statements on PostgreSQL, all counted: for ${READS.toLocaleString('en')} reads, and in a minute without`,
  run: async (world, options) => {
    const database = await PostgresDatabase.create(world);
    const counter = await StatementCounter.start(database.address);
    world.atEnd(() => counter.close());
    const service = await world.service(await world.wechat(), {
      database: database.url(counter.port),
    });
    const keys = await addClients(service, 1);
    const question = { ...readOf(service), headers: bearer(keys[0] ?? '') };
    await untilEarly();
    counter.take();
    const half = delay(HALF_MS);
    await exactly(READS, question, options);
    const during = counter.take();
    await half;
    const after = counter.take();
    await delay(HALF_MS);
    return figures(during, after, counter.take());
  },
};

function figures(during: Statements, after: Statements, without: Statements): Figure[] {
  const whileRead = others(during, without);
  const written = others(after, without);
  const known = (part: Statements): number => sum(part) - sum(others(part, without));
  return [
    {
      name: 'while they run, beside those without reads',
      value: named(whileRead),
      wanted: atMost(sum(whileRead), 0),
    },
    { name: 'at the turn of the minute, for all of its reads', value: named(written) },
    {
      name: 'the others: in a minute with these reads, in one without',
      value: `${known(during) + known(after)}, ${sum(without)}`,
    },
  ];
}

async function untilEarly(): Promise<void> {
  const inMinuteMs = Date.now() % MINUTE_MS;
  // Not at the very turn, when the last minute's reads are written down.
  if (inMinuteMs > EARLY_MS) {
    await delay(MINUTE_MS - inMinuteMs + 2_000);
  }
}

/** Those whose text is not among `known`. */
function others(statements: Statements, known: Statements): Statements {
  return new Map([...statements].filter(([text]) => !known.has(text)));
}

function sum(statements: Statements): number {
  return [...statements.values()].reduce((total, count) => total + count, 0);
}

function named(statements: Statements): string {
  const names = [...statements].map(
    ([text, count]) => `${count} × ${text.replaceAll('"', '').slice(0, NAME_LENGTH).trim()} …`,
  );
  return names.length === 0 ? '0' : `${sum(statements)}: ${names.join(', ')}`;
}
