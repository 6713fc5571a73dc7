import { sections, type Context, type Known } from './calls.js';
import { checkAnswer } from './expectation.js';
import { curlLine, send } from './http-call.js';
import { preparePublisher } from './publisher.js';
import * as terminal from './terminal.js';

/**
 * Makes the calls and prints each with its answer.
 * @throws UnexpectedAnswer at the first answer that is not as expected
 */
export async function makeCalls(context: Context): Promise<void> {
  const known = nothingKnown();
  const table = sections(context, known);
  const count = table.flatMap(({ calls }) => calls).length;
  let number = 0;
  for (const section of table) {
    terminal.saySection(section.title);
    for (const call of section.calls) {
      number += 1;
      const request = call.request();
      terminal.sayCall(call, request, `${number}/${count}  `);
      const answer = await send(request);
      terminal.sayAnswer(answer, request.showHeaders === true);
      checkAnswer(answer, call.expected(), known.token);
      call.learn?.(answer);
      terminal.saySuccess(call.success);
      if (number === 1) {
        await preparePublisher(context, known);
      }
    }
  }
  terminal.say(`All ${count} calls were answered as expected.`);
}

/**
 * Prints the calls for the reader to make. The first one is made here, since the others contain its token.
 * @throws UnexpectedAnswer
 */
export async function showCalls(context: Context): Promise<void> {
  const known = nothingKnown();
  const table = sections(context, known);
  const first = table[0]?.calls[0];
  if (first !== undefined) {
    const answer = await send(first.request());
    checkAnswer(answer, first.expected(), known.token);
    first.learn?.(answer);
    await preparePublisher(context, known);
  }
  const shown = new Set<string>();
  for (const section of table) {
    terminal.saySection(section.title);
    for (const call of section.calls) {
      const request = call.request();
      // Calls that differ only by the token are one line while there is one token.
      if (!shown.has(curlLine(request))) {
        shown.add(curlLine(request));
        terminal.sayCall(call, request);
      }
    }
  }
  terminal.say(
    'The lines contain the current token: after a rotation, read the new one first.',
    'Both processes run until you press Ctrl-C.',
  );
}

function nothingKnown(): Known {
  return { token: '', version: 0, etag: '', firstToken: '', publisherKey: '', handle: '' };
}
