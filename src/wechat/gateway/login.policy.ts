import { validationFailed } from '../../http/validation.errors.js';
import { parametersOf, type GatewayTarget } from './gateway-target.js';

/**
 * A login has each parameter once, `appid` is the account's, and `secret` is there to be replaced: of two, WeChat might
 * take the other one.
 * @throws AppError `validation_failed`
 */
export function requireLogin(target: GatewayTarget, appId: string): void {
  const names = target.query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => part.split('=', 1)[0] ?? '');
  const issues = ['appid', 'secret', ...names]
    .filter((name, index, all) => all.indexOf(name) === index)
    .flatMap((name) => {
      const problem = problemOf(parametersOf(target, name), name, appId);
      return problem === undefined ? [] : [{ path: [name], message: problem }];
    });
  if (issues.length > 0) {
    throw validationFailed('query', issues);
  }
}

function problemOf(values: readonly string[], name: string, appId: string): string | undefined {
  if (values.length > 1) {
    return 'sent twice; send it once';
  }
  const [value = ''] = values;
  if (name === 'appid' && value !== appId) {
    return 'must be the AppID of the account';
  }
  return name === 'secret' && value === ''
    ? 'missing; send any text in its place, since this service puts the AppSecret in'
    : undefined;
}
