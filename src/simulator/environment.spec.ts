import { describe, expect, it } from '@jest/globals';
import { EnvironmentError, readEnvironment } from './environment.js';

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readEnvironment(environment);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(EnvironmentError);
    return (error as EnvironmentError).problems;
  }
}

describe('the simulator’s environment', () => {
  it('listens on 127.0.0.1:3001 without accounts where nothing is set', () => {
    expect(readEnvironment({ PATH: '/bin', SIMULATOR_HOST: '' })).toEqual({
      host: '127.0.0.1',
      port: 3001,
      accounts: [],
      settings: {},
    });
  });

  it('reads accounts, where a secret may hold a colon', () => {
    const { accounts } = readEnvironment({
      SIMULATOR_ACCOUNTS: 'wx0123456789abcdef:first, wxfedcba9876543210:sec:ond,',
    });

    expect(accounts).toEqual([
      { app_id: 'wx0123456789abcdef', secret: 'first' },
      { app_id: 'wxfedcba9876543210', secret: 'sec:ond' },
    ]);
  });

  it('reads every setting', () => {
    const { host, port, settings } = readEnvironment({
      SIMULATOR_HOST: '0.0.0.0',
      SIMULATOR_PORT: '0',
      SIMULATOR_LIFETIME_SECONDS: '12',
      SIMULATOR_OVERLAP_SECONDS: '0.5',
      SIMULATOR_OVERLAP_DEPTH: '2',
      SIMULATOR_STABLE_WINDOW_SECONDS: '3',
      SIMULATOR_FORCE_PER_DAY: '5',
      SIMULATOR_FORCE_INTERVAL_SECONDS: '1',
      SIMULATOR_TICKET_LIFETIME_SECONDS: '30',
      SIMULATOR_QUOTAS: '{"/cgi-bin/token":{"per_day":10}}',
      SIMULATOR_CALLBACK_IP_LIST: '203.0.113.0/24, 198.51.100.7',
      SIMULATOR_API_DOMAIN_IP_LIST: '192.0.2.1',
      SIMULATOR_JOURNAL_LIMIT: '50',
    });

    expect([host, port]).toEqual(['0.0.0.0', 0]);
    expect(settings).toEqual({
      lifetime_seconds: 12,
      overlap_seconds: 0.5,
      overlap_depth: 2,
      stable_window_seconds: 3,
      force_per_day: 5,
      force_interval_seconds: 1,
      ticket_lifetime_seconds: 30,
      quotas: { '/cgi-bin/token': { per_day: 10 } },
      callback_ip_list: ['203.0.113.0/24', '198.51.100.7'],
      api_domain_ip_list: ['192.0.2.1'],
      journal_limit: 50,
    });
  });

  it('lists every problem by the variable’s name and never shows a value', () => {
    const problems = problemsOf({
      SIMULATOR_PORT: '70000',
      SIMULATOR_ACCOUNTS: 'wx0123456789abcdef,gh_hidden:hidden',
      SIMULATOR_LIFETIME_SECONDS: 'hidden',
      SIMULATOR_QUOTAS: '{"hidden',
      SIMULATOR_LIFETME_SECONDS: 'hidden',
    });

    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      'SIMULATOR_LIFETME_SECONDS',
      'SIMULATOR_PORT',
      'SIMULATOR_ACCOUNTS (0.secret)',
      'SIMULATOR_ACCOUNTS (1.app_id)',
      'SIMULATOR_LIFETIME_SECONDS',
      'SIMULATOR_QUOTAS',
    ]);
    expect(problems.join()).not.toContain('hidden');
    expect(problems[0]).toContain('known are SIMULATOR_HOST, SIMULATOR_PORT, SIMULATOR_ACCOUNTS,');
  });

  it('refuses an account that stands in the list twice', () => {
    const twice = 'wx0123456789abcdef:a,wx0123456789abcdef:b';

    expect(problemsOf({ SIMULATOR_ACCOUNTS: twice })).toEqual([
      'SIMULATOR_ACCOUNTS: an AppID stands in the list twice',
    ]);
  });
});
