// A first event for a stream, and the commands that send it, made from the stream's declaration.
import type { Field, StreamDetail } from '../api/types';

// Taken once: an example must not change under the eyes, or between selecting and copying it.
const opened_at = new Date();

function example_uuid(name: string): string {
  let hash = 2166136261;
  for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
  const hex = hash.toString(16).padStart(8, '0');
  return `${hex}-6c9e-4b0e-9a55-${hex.slice(4)}${hex}`;
}

function value_for(field: Field, now: Date): unknown {
  const type = field.type.toLowerCase();
  const text = now.toISOString();
  if (type.includes('uuid')) return example_uuid(field.name);
  if (type.includes('timestamp') || type === 'time' || type === 'datetime') return text.replace('T', ' ').replace('Z', '');
  if (/^(a )?date/.test(type)) return text.slice(0, 10);
  if (type.includes('bool')) return true;
  if (type.endsWith('[]') || type.startsWith('array') || type.startsWith('list')) return [];
  if (type.includes('int') || type === 'long') return 1;
  if (type.includes('double') || type.includes('float') || type.includes('decimal') || type.includes('number')) return 1.5;
  if (type.includes('object') || type.includes('struct') || type.includes('json') || type.includes('map')) return {};
  return `an ${field.name}`.replace(/^an (?![aeiou])/, 'a ');
}

export function example_event(stream: StreamDetail, now = opened_at): Record<string, unknown> {
  const required = stream.fields.filter((field) => field.required || field.name === stream.time_field);
  const chosen = required.length > 0 ? required : stream.fields.slice(0, 4);
  return Object.fromEntries(chosen.map((field) => [field.name, value_for(field, now)]));
}

export type Language = 'curl' | 'python' | 'node' | 'browser';

export const languages: { id: Language; label: string }[] = [
  { id: 'curl', label: 'curl' },
  { id: 'python', label: 'Python' },
  { id: 'node', label: 'Node' },
  { id: 'browser', label: 'Browser' },
];

/** The seed's routes take {"<stream>": [records]}; weir's own take the record itself. */
export function body_for(stream: StreamDetail, endpoint: string): unknown {
  const event = example_event(stream);
  return endpoint.startsWith('/v1/') ? event : { [endpoint.split('/').filter(Boolean).at(-1) ?? stream.name]: [event] };
}

export function snippet(language: Language, stream: StreamDetail, endpoint: string, origin: string): string {
  const address = origin + endpoint;
  const body = JSON.stringify(body_for(stream, endpoint));
  const with_key = stream.write === 'key';
  switch (language) {
    case 'curl':
      return [
        `curl ${address}`,
        ...(with_key ? [`  -H "Authorization: Bearer $WEIR_TOKEN"`] : []),
        `  -H 'Content-Type: application/json'`,
        `  -d '${body.replaceAll("'", "'\\''")}'`,
      ].join(' \\\n');
    case 'python':
      return `import json${with_key ? ', os' : ''}, urllib.request

event = json.loads(${JSON.stringify(body)})
request = urllib.request.Request("${address}", data=json.dumps(event).encode(),
    headers={"Content-Type": "application/json"${with_key ? ', "Authorization": "Bearer " + os.environ["WEIR_TOKEN"]' : ''}})
print(urllib.request.urlopen(request).read().decode())`;
    case 'node':
      return `const reply = await fetch('${address}', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json'${with_key ? ', Authorization: `Bearer ${process.env.WEIR_TOKEN}`' : ''} },
  body: JSON.stringify(${body}),
});
console.log(await reply.json());`;
    case 'browser':
      return `<script>
  // sendBeacon goes out even while the page is being left.
  navigator.sendBeacon('${address}', JSON.stringify(${body}));
</${'script'}>`;
  }
}
