import { curlLine, send } from './http-call.js';
import type { Scene } from './step.js';
import { emptyMemory, firstStep, tellStory } from './story.js';
import * as terminal from './terminal.js';

/**
 * Makes the calls and prints each with its answer.
 * @throws UnexpectedAnswer at the first answer that is not as expected
 */
export async function makeCalls(scene: Scene): Promise<void> {
  const memory = emptyMemory();
  const story = tellStory(scene);
  const count = story.flatMap(({ steps }) => steps).length;
  let number = 0;
  for (const chapter of story) {
    terminal.sayChapter(chapter.title);
    for (const step of chapter.steps) {
      number += 1;
      const request = step.request(memory);
      terminal.sayStep(step, request, `${number}/${count}  `);
      const answer = await send(request);
      terminal.sayAnswer(answer, request.showHeaders === true);
      step.check(answer, memory);
      terminal.saySuccess(step.success);
    }
  }
  terminal.say(`All ${count} calls were answered as expected.`);
}

/**
 * Prints the calls for somebody to make. One answer is needed to know what to write into their lines.
 * @throws UnexpectedAnswer
 */
export async function showCalls(scene: Scene): Promise<void> {
  const memory = emptyMemory();
  const first = firstStep(scene);
  first.check(await send(first.request(memory)), memory);
  const shown = new Set<string>();
  for (const chapter of tellStory(scene)) {
    terminal.sayChapter(chapter.title);
    for (const step of chapter.steps) {
      const request = step.request(memory);
      // What differs by the token alone is the same line as long as there is one token.
      if (!shown.has(curlLine(request))) {
        shown.add(curlLine(request));
        terminal.sayStep(step, request);
      }
    }
  }
  terminal.say(
    'The lines hold the token of this moment: once it was replaced, read the new one.',
    'Both processes run until you press Ctrl-C.',
  );
}
