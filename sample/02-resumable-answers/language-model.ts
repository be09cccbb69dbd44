import { Injectable } from '@nestjs/common';
import { currentToken } from 'nestjs-cancelable';

const WORDS =
  'A canceled stream is not a lost one: what was said is kept with its position, and whoever asks again goes on from there, word by word, as if nothing had happened.'.split(
    ' ',
  );

/** A local stand-in for a language model: the same words each time, one after the other. */
@Injectable()
export class LanguageModel {
  /**
   * @param position how many words are there already
   * @yields the next words; `undefined` when the model itself says stop
   */
  async *complete(
    prompt: string,
    position: number,
    token = currentToken(),
  ): AsyncGenerator<string | undefined> {
    const limit = prompt.includes('short') ? 8 : WORDS.length;
    for (let index = position; index < limit; index++) {
      await token.sleep('30ms');
      yield WORDS[index];
    }
    if (limit < WORDS.length) yield undefined;
  }
}
