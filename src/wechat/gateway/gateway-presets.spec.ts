import { describe, expect, it } from '@jest/globals';
import { WECHAT_OPERATIONS } from '../../../test/support/wechat-operations.js';
import { GATEWAY_PRESET_NAMES } from '../../access/gateway-preset.js';
import { gatewayRuleProblem } from '../../access/gateway-rule.js';
import { GATEWAY_PRESETS, PRESET_RULES } from './gateway-presets.js';
import { compileGatewayRules, decideGatewayCall, type GatewayRuleSet } from './gateway-rules.js';

const CALLS = WECHAT_OPERATIONS.map(({ method, path }) => ({
  method,
  path,
  call: `${method} ${path}`,
}));
const DETAILED = GATEWAY_PRESET_NAMES.filter((name) => name !== '@everything-but-secrets');

function refused(rules: GatewayRuleSet): string[] {
  return CALLS.filter(({ method, path }) => !decideGatewayCall(rules, method, path).allowed).map(
    ({ call }) => call,
  );
}

describe('the operations of WeChat', () => {
  it('are several hundred, each of them once', () => {
    expect(CALLS.length).toBeGreaterThan(700);
    expect(new Set(CALLS.map(({ call }) => call)).size).toBe(CALLS.length);
  });

  it('pass each under the rule for it, and not under the rule for the next', () => {
    CALLS.forEach(({ method, path, call }, index) => {
      const own = compileGatewayRules([call], PRESET_RULES);
      expect(decideGatewayCall(own, method, path)).toEqual({ allowed: true, rule: call });
      const next = compileGatewayRules([CALLS.at(index - 1)!.call], PRESET_RULES);
      expect(decideGatewayCall(next, method, path)).toMatchObject({ wouldAllow: call });
    });
  });

  it('pass each under its own rule where every one has a rule', () => {
    const all = compileGatewayRules(
      CALLS.map(({ call }) => call),
      PRESET_RULES,
    );
    for (const { method, path, call } of CALLS) {
      expect(decideGatewayCall(all, method, path)).toEqual({ allowed: true, rule: call });
    }
  });

  it('pass none without a rule', () => {
    expect(refused(compileGatewayRules([], PRESET_RULES))).toHaveLength(CALLS.length);
  });

  it('pass all under @everything-but-secrets', () => {
    expect(refused(compileGatewayRules(['@everything-but-secrets'], PRESET_RULES))).toEqual([]);
  });
});

describe('a preset', () => {
  it.each(DETAILED)('%s holds operations of WeChat, each once, and passes them alone', (name) => {
    const held = PRESET_RULES[name];
    expect(new Set(held).size).toBe(held.length);
    expect(held.filter((rule) => !CALLS.some(({ call }) => call === rule))).toEqual([]);
    const rules = compileGatewayRules([name], PRESET_RULES);
    const passing = CALLS.filter(({ method, path }) => {
      const decision = decideGatewayCall(rules, method, path);
      return decision.allowed && decision.rule === name;
    });
    expect(passing.map(({ call }) => call).sort()).toEqual([...held].sort());
  });

  it.each(GATEWAY_PRESET_NAMES)('%s is of rules that a client may hold', (name) => {
    expect(PRESET_RULES[name].filter((rule) => gatewayRuleProblem(rule) !== undefined)).toEqual([]);
  });

  it.each(DETAILED)('%s names for each rule the page of WeChat that describes it', (name) => {
    for (const { rule, source } of GATEWAY_PRESETS[name].rules) {
      expect([rule, source]).toEqual([
        rule,
        expect.stringMatching(
          /^https:\/\/developers\.weixin\.qq\.com\/(?:doc|miniprogram|minigame)\/[\w/.-]+\.html$/,
        ),
      ]);
    }
  });

  it('of reads alone changes nothing', () => {
    const changes = /\/(?:add|create|update|delete|del|batchtagging|batchuntagging|send)/;
    const reads = [...PRESET_RULES['@user-info'], ...PRESET_RULES['@data-analysis']];
    expect(reads.filter((rule) => changes.test(rule))).toEqual([]);
  });
});
