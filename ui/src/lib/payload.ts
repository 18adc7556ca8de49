// A record's content as text. A payload that could not be read arrives as the text that was sent; it is shown as it came.
import { parse_json, write_json } from '../api/lossless';

export function pretty(content: unknown): string {
  if (typeof content !== 'string') return write_json(content, 2);
  try {
    return write_json(parse_json(content), 2);
  } catch {
    return content;
  }
}
