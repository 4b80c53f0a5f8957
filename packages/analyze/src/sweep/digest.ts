/** The SHA-256 of bytes or text, as lower-case hexadecimal digits; the browser's and Node's Web Crypto makes it. */
export async function digest(content: Uint8Array | string): Promise<string> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The digest of a value's JSON, whose keys must stand in a fixed order. */
export function digestJson(value: unknown): Promise<string> {
  return digest(JSON.stringify(value));
}
