import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { AppConfig } from '../config/app-config.js';
import { Keyring } from '../encryption/keyring.js';
import { FatalErrors, StartError } from '../errors/fatal-errors.js';
import { Clock } from '../time/clock.js';
import {
  DatabaseError,
  isUniqueViolation,
  STATEMENT_TIMEOUT_MS,
  toDatabaseError,
} from './database-error.js';
import { dialectOf, type DatabaseFiles } from './dialect-of.js';
import type { Dialect } from './dialect.js';
import { checkKeys } from './key-check.js';
import { assertOurs } from './ownership.js';
import type { WideFile } from './sqlite-files.js';

const RETRY_MS = 1_000;

/**
 * The one way to the database: connects in the background, migrates, checks that a configured key opens
 * it, and runs every statement with a time limit and errors that carry no values.
 *
 * The service listens while this is still trying; `connected` is what features wait for. There are no
 * transactions after the migrations: on SQLite all of TypeORM shares one connection, and a statement
 * that was acknowledged would vanish with somebody else's rollback.
 */
@Injectable()
export class DatabaseService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DatabaseService.name);
  private readonly stopping = new AbortController();
  private readonly dialect: Omit<Dialect, 'options'>;
  private readonly files: DatabaseFiles;
  private markConnected: () => void = () => undefined;
  /** Resolves once the database is connected, migrated and opened by a key; never rejects. */
  readonly connected = new Promise<void>((resolve) => {
    this.markConnected = resolve;
  });
  private problemText: string | undefined = 'the database is not connected yet';

  constructor(
    private readonly dataSource: DataSource,
    private readonly keyring: Keyring,
    private readonly clock: Clock,
    private readonly fatalErrors: FatalErrors,
    config: AppConfig,
  ) {
    ({ dialect: this.dialect, files: this.files } = dialectOf(config.database));
  }

  /** Why the database cannot be used now, in words for an operator; undefined when it can. */
  get problem(): string | undefined {
    return this.problemText;
  }

  /** SQL for the database's clock, moved by the offset of {@link Clock}. */
  get nowMs(): string {
    const offset = Math.trunc(this.clock.offsetMs);
    return offset === 0 ? this.dialect.nowMs : `(${this.dialect.nowMs} + ${offset})`;
  }

  onApplicationBootstrap(): void {
    void this.retry('connect to the database', () => this.connect())
      .then((done) => {
        if (done) {
          this.problemText = undefined;
          this.markConnected();
        }
      })
      .catch((error: unknown) => {
        this.fatalErrors.raise(error);
      });
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  /**
   * Runs one statement.
   * @throws DatabaseError when it failed or was not answered within 5 s; then its effect is unknown.
   */
  async run<T>(statement: (dataSource: DataSource) => Promise<T>): Promise<T> {
    if (!this.dataSource.isInitialized) {
      throw new DatabaseError('not_connected', this.problemText ?? 'the database is closed');
    }
    const result = await this.withTimeLimit(statement(this.dataSource));
    this.problemText = undefined;
    return result;
  }

  /**
   * Reads what a feature holds in memory, once the database is connected, and again until it answers.
   * What fails for another reason is fatal: with nothing loaded the process is of no use. Never rejects.
   * @param after what must have been loaded before
   * @returns whether it was loaded; false when the service stops first
   */
  async load(what: string, step: () => Promise<void>, after?: Promise<void>): Promise<boolean> {
    try {
      await this.connected;
      await after;
      return await this.retry(`load the ${what}`, step);
    } catch (error) {
      this.fatalErrors.raise(error);
      return false;
    }
  }

  /** Repeats a step until the database lets it through. @returns false when the service stops first */
  private async retry(what: string, step: () => Promise<void>): Promise<boolean> {
    let reported = '';
    while (!this.stopping.signal.aborted) {
      try {
        await step();
        return true;
      } catch (error) {
        if (!(error instanceof DatabaseError)) {
          throw error;
        }
        if (reported !== error.message) {
          reported = error.message;
          this.logger.error({ event: 'database_unavailable', doing: what, reason: error.message });
        }
      }
      await delay(RETRY_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
    return false;
  }

  private async connect(): Promise<void> {
    try {
      if (!this.dataSource.isInitialized) {
        this.files.create();
        await this.dataSource.initialize();
      }
      await this.prepare();
    } catch (error) {
      if (error instanceof StartError) {
        throw error;
      }
      const reduced = toDatabaseError(error);
      this.problemText = reduced.message;
      throw reduced;
    }
  }

  private tellOf({ file, mode, failure }: WideFile): void {
    const name = basename(file);
    this.logger.warn(
      failure === undefined
        ? `${name} had mode ${mode}, so that others could open it; its mode is 600 now`
        : `${name} has mode ${mode}, so that others can open it, and it cannot be changed (${failure}). Run chmod 600 on it as its owner`,
    );
  }

  private async prepare(): Promise<void> {
    const runner = this.dataSource.createQueryRunner();
    try {
      // Before anything else: even the journal mode of a SQLite file is a change.
      const tables = (await runner.query(this.dialect.tableNames)) as { name: string }[];
      assertOurs(tables.map(({ name }) => name).sort());
      this.files.narrow().forEach((wide) => {
        this.tellOf(wide);
      });
      await this.dialect.prepare(runner);
      await this.dialect.exclusively(runner, () => this.migrate(runner));
    } finally {
      await runner.release();
    }
  }

  /** All on the one connection that holds the lock: a pooler between may give another one another server. */
  private async migrate(runner: QueryRunner): Promise<void> {
    const migrations = new MigrationExecutor(this.dataSource, runner);
    migrations.transaction = 'none';
    await migrations.executePendingMigrations();
    await checkKeys(runner, this.keyring);
  }

  private async withTimeLimit<T>(statement: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `the database did not answer in ${STATEMENT_TIMEOUT_MS} ms; look at its load and its locks`;
        reject(new DatabaseError('timeout', message));
      }, STATEMENT_TIMEOUT_MS);
    });
    try {
      return await Promise.race([statement, limit]);
    } catch (error) {
      const reduced = toDatabaseError(error);
      // A row that is there already is an answer, and so is a refused value; the database is well.
      if (reduced instanceof DatabaseError && !isUniqueViolation(reduced)) {
        this.problemText = reduced.message;
      }
      throw reduced;
    } finally {
      clearTimeout(timer);
    }
  }
}
