import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { variableNames } from '../src/config/variables.js';
import { callThroughGateway } from './support/clients.js';
import { Pair } from './support/pair.js';
import { CLIENT_KEY } from './support/service.js';

/*
 * The files for operators speak of what there is: figures of a real scrape, sections that exist. Whether the
 * rules do what they say, promtool tests (npm run check:ops).
 */

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
}
interface RuleTests {
  readonly rule_files: readonly string[];
  readonly tests: readonly {
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly unknown[];
    }[];
  }[];
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const ALERTS = 'ops/prometheus/alerts.yaml';
const TESTS = 'ops/prometheus/alerts.test.yaml';
const DASHBOARD = 'ops/grafana/dashboard.json';

const rules = (parse(readFileSync(ALERTS, 'utf8')) as RuleFile).groups.flatMap(
  (group) => group.rules,
);
const tests = parse(readFileSync(TESTS, 'utf8')) as RuleTests;
const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: readonly Panel[] };
const operations = readFileSync('docs/operations.md', 'utf8');

/** The series that a scrape may hold, by their names. */
let figures: Set<string>;
/** The labels that series of the service's own figures have in a scrape. */
let labels: Set<string>;

beforeAll(async () => {
  const pair = await Pair.start();
  await callThroughGateway(pair.service);
  const { body } = await pair.service.call<string>('GET', '/metrics', { key: CLIENT_KEY });
  await pair.close();
  const declared = [...body.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  figures = new Set(
    declared.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
  const samples = [...body.matchAll(/^wechat_token_center_\w+\{(.*)\} /gm)];
  labels = new Set(
    samples.flatMap(([, text = '']) =>
      [...text.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    ),
  );
});

function figuresIn(text: string): string[] {
  return [...new Set(text.match(/\b(?:wechat_token_center|nodejs|process)_\w+/g))];
}

describe.each([ALERTS, TESTS, DASHBOARD])('%s', (file) => {
  it('names figures of a real scrape', () => {
    const named = figuresIn(readFileSync(file, 'utf8'));
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !figures.has(name))).toEqual([]);
  });
});

describe('the alarms', () => {
  const names = rules.map(({ alert }) => alert);

  it('watch what an operator has to know of', () => {
    expect(names).toEqual([
      'WechatTokenUnderTenMinutes',
      'WechatNoUsableToken',
      'WechatAccountBlocked',
      'WechatLedgerNearlyUsed',
      'WechatForeignRotation',
      'WechatGatewayRefused',
      'WechatGatewayQuota',
      'WechatGatewayErrors',
      'WechatReplicaBehind',
      'WechatClockSkew',
      'WechatPollAge',
      'WechatReplicaDown',
    ]);
  });

  it('ask for labels that series have', () => {
    const byPrometheus = ['job', 'instance'];
    const asked = rules.flatMap(({ expr }) => [
      ...[...expr.matchAll(/(\w+)\s*(?:!~|=~|!=|=)\s*"/g)].map(([, label = '']) => label),
      ...[...expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
        list.split(/,\s*/),
      ),
    ]);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((label) => !labels.has(label) && !byPrometheus.includes(label))).toEqual(
      [],
    );
  });

  it('have a section of docs/operations.md each, to which they link, and no section is left over', () => {
    const sections = [...operations.matchAll(/^### (Wechat\w+)$/gm)].map(([, name]) => name);
    expect(sections).toEqual(names);
    expect(rules.map(({ annotations }) => annotations.runbook_url)).toEqual(
      names.map((name) => `docs/operations.md#${name.toLowerCase()}`),
    );
  });

  it('are critical or a warning, and say in words whom they concern', () => {
    for (const { labels: own, annotations } of rules) {
      expect(['critical', 'warning']).toContain(own.severity);
      expect(annotations.summary).toMatch(/\{\{ ?(?:if )?\$labels\./);
      expect(annotations.description).toMatch(/\.(?:\{\{ end \}\})?$/);
    }
  });

  it('have unit tests, in which each is raised', () => {
    expect(tests.rule_files).toEqual(['alerts.yaml']);
    const raised = tests.tests
      .flatMap((test) => test.alert_rule_test)
      .filter(({ exp_alerts: expected }) => expected.length > 0)
      .map(({ alertname }) => alertname);
    expect([...new Set(raised)].sort()).toEqual([...names].sort());
  });
});

describe('the dashboard', () => {
  it('shows something in every panel, each with an id of its own', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const shown = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(shown.length).toBeGreaterThan(15);
    for (const { targets = [] } of shown) {
      expect(targets.map(({ expr }) => figuresIn(expr).length > 0)).toContain(true);
    }
  });

  it('shows all that the service counts by itself', () => {
    const own = [...figures].filter((name) => /^wechat_token_center_(?!.*_sum$)/.test(name));
    const named = new Set(
      [DASHBOARD, ALERTS].flatMap((file) => figuresIn(readFileSync(file, 'utf8'))),
    );
    const isShown = (name: string): boolean =>
      named.has(name) || named.has(name.replace(/_(?:bucket|count)$/, '_bucket'));
    // WeChat's own end; what may be served is shown.
    const left = ['wechat_token_center_credential_expiry_timestamp_seconds'];
    expect(own.filter((name) => !isShown(name))).toEqual(left);
  });
});

describe('nginx', () => {
  it('docs/sdks.md shows the configuration for SDKs as it is', () => {
    const [, shown] = /^```nginx\n([\s\S]*?)^```/m.exec(readFileSync('docs/sdks.md', 'utf8')) ?? [];
    expect(shown).toBe(readFileSync('ops/nginx/sdk-splitting.conf', 'utf8'));
  });
});

describe('every way to start the service', () => {
  it.each([
    'Dockerfile',
    'ops/systemd/wechat-token-center.service',
    'package.json',
    'bench/pinned-process.ts',
  ])('bounds the young part of the heap as the benchmark does: %s', (file) => {
    expect(readFileSync(file, 'utf8')).toContain('--max-semi-space-size=8');
  });
});

describe('systemd', () => {
  it('gives the service variables that there are', () => {
    const unit = readFileSync('ops/systemd/wechat-token-center.service', 'utf8');
    const named = [...unit.matchAll(/^Environment=(\w+)=/gm)].map(([, name = '']) => name);
    expect(named).toContain('ENCRYPTION_KEY_FILE');
    expect(named.filter((name) => name !== 'NODE_ENV' && !isVariable(name))).toEqual([]);
  });
});

describe('the image', () => {
  const instructions = readFileSync('Dockerfile', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  it('runs everything without a shell, and the service without rights', () => {
    for (const line of instructions.filter((one) =>
      /^(RUN|CMD|HEALTHCHECK|ENTRYPOINT) /.test(one),
    )) {
      expect(line).toMatch(/^(?:RUN|HEALTHCHECK .* CMD|CMD) \["[^\n]*"\]$/);
    }
    expect(instructions.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
    expect(instructions.at(-1)).toBe('CMD ["node", "--max-semi-space-size=8", "dist/main.js"]');
  });

  it('gets from this folder what it copies, and nothing else', () => {
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1));
    const [everything, ...ignored] = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(everything).toBe('*');
    const allowed = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(allowed.sort()).toEqual([...new Set(copied)].sort());
  });
});

describe('compose.yaml', () => {
  interface Service {
    readonly environment: Readonly<Record<string, string>>;
    readonly secrets: readonly string[];
    readonly ports?: readonly string[];
    readonly read_only?: boolean;
  }
  const compose = parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as {
    services: Readonly<Record<string, Service>>;
    secrets: Readonly<Record<string, { file: string }>>;
  };
  const { database, ...replicas } = compose.services;

  it('has two replicas on one database, reached from this machine alone', () => {
    expect(Object.keys(replicas)).toEqual(['replica-1', 'replica-2']);
    expect(Object.values(replicas).map(({ ports }) => ports)).toEqual([
      ['127.0.0.1:3001:3000'],
      ['127.0.0.1:3002:3000'],
    ]);
    expect(database?.ports).toBeUndefined();
  });

  it('gives them variables that there are, and each secret as a file that the documentation makes', () => {
    for (const { environment, secrets, read_only: isReadOnly } of Object.values(replicas)) {
      expect(Object.keys(environment).filter((name) => !isVariable(name))).toEqual([]);
      expect(Object.values(environment)).toEqual(secrets.map((name) => `/run/secrets/${name}`));
      expect(isReadOnly).toBe(true);
    }
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`secrets/${name}`);
      expect(operations).toContain(`> ${file}\n`);
    }
  });
});

function isVariable(name: string): boolean {
  return variableNames.some((known) => name === known || name === `${known}_FILE`);
}
