import { currentToken } from 'nestjs-cancelable';

/** Says something about anything, one word after the other. */
export async function* speak(text: string, token = currentToken()): AsyncGenerator<string> {
  const answer = `You said "${text}". That reminds me of a story which is rather long, and which I will tell from its very beginning to its very end, unless somebody stops me, as people do.`;
  for (const word of answer.split(' ')) {
    await token.sleep('50ms');
    yield word;
  }
}
