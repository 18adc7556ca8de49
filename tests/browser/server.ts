// A server of a test's own, on a copy of the example: one that it may stop and start under an open page.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const program = process.env.WEIR_BIN ?? '';
const example = process.env.WEIR_EXAMPLE ?? '';

// A port below those that the system gives away, so that no other listener gets it before the server does.
function free_port(): Promise<number> {
  const port = 10_000 + Math.floor(Math.random() * 22_000);
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(free_port()))
      .listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}

export class OwnServer {
  private child: ChildProcess | null = null;
  private constructor(
    readonly folder: string,
    readonly url: string,
  ) {}

  static async make(): Promise<OwnServer> {
    const folder = mkdtempSync(join(tmpdir(), 'weir-browser-'));
    cpSync(example, folder, { recursive: true, filter: (path) => !path.includes('/.weir') });
    const made = new OwnServer(folder, `http://127.0.0.1:${await free_port()}`);
    await made.start();
    return made;
  }

  async start(): Promise<void> {
    const child = spawn(program, ['--dir', this.folder, 'serve', '--listen', this.url.replace('http://', '')], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        said += text.toString();
        if (said.includes('ready at')) resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
  }

  async stop(): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  weir(...arguments_: string[]): string {
    return execFileSync(program, ['--dir', this.folder, ...arguments_], { encoding: 'utf8' });
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
