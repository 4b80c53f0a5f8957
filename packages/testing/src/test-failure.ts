/** What the helpers throw when something is not as it should be; the message says what, where and by how much. */
export class TestFailure extends Error {
  override readonly name = 'TestFailure';
}
