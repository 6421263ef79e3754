// What the tests of the packet share: review folders of real runs, a browser, and what a person does in it.
// Does not: reach any network; the browser and its driver are installed before (see .ci/run).

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const installed = createRequire(join(root, 'target/browser/package.json'));
const { chromium } = installed('playwright-core');
const axe = readFileSync(installed.resolve('axe-core/axe.min.js'), 'utf8');
const program = process.env.CRM_REVIEW || join(root, 'target/debug/crm-review');
export const DAY = '2026-11-23';

const home = mkdtempSync(join(tmpdir(), 'packet-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

/** A review folder: Acme's, with files of its own in their place. */
export class Job {
  constructor(files = {}) {
    this.path = mkdtempSync(join(home, 'job-'));
    for (const part of ['review.toml', 'rules', 'exports']) {
      cpSync(join(root, 'fixtures/acme/salesforce', part), join(this.path, part), { recursive: true });
    }
    for (const [name, text] of Object.entries(files)) this.put(name, text);
  }

  put(name, text) {
    writeFileSync(join(this.path, name), text);
  }

  text(name) {
    return readFileSync(join(this.path, name), 'utf8');
  }

  /** Exit code, stdout and stderr of a command in the folder. */
  call(...words) {
    const { status, stdout, stderr } = spawnSync(program, words, { cwd: this.path, encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
  }

  run(day = DAY) {
    const said = this.call('run', '.', '--as-of', day);
    if (said.code > 1) throw new Error(said.err);
    return this;
  }

  packet(name = 'packet.html', day = DAY) {
    return join(this.path, 'runs', day, name);
  }

  findings(day = DAY) {
    return this.text(`runs/${day}/findings.jsonl`).trim().split('\n').map(line => JSON.parse(line));
  }

  /** A copy of the folder as it stands. */
  copy() {
    const made = Object.create(Job.prototype);
    made.path = mkdtempSync(join(home, 'job-'));
    execFileSync('cp', ['-r', `${this.path}/.`, made.path]);
    return made;
  }
}

/** The columns of an export, and rows for it by their columns. */
export function grown(text, rows) {
  const head = text.split(/\r?\n/, 1)[0].split(',').map(name => name.replaceAll('"', ''));
  const cell = value => `"${String(value ?? '').replaceAll('"', '""')}"`;
  return text.replace(/\r?\n?$/, '\n') + rows.map(row => head.map(name => cell(row[name])).join(',')).join('\n') + '\n';
}

let browser;
export async function launch() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = names.map(name => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()).find(Boolean);
  if (!found) throw new Error('no Chromium is installed (Debian: apt-get install chromium)');
  browser ??= await chromium.launch({ executablePath: found, args: ['--no-sandbox', '--disable-gpu'] });
  return browser;
}
export const close = () => browser?.close();

/** A visitor with a browser of their own: what it says and asks for is kept. */
export class Visit {
  static async of(options = {}) {
    const visit = new Visit();
    visit.context = await (await launch()).newContext({ viewport: { width: 1360, height: 900 }, acceptDownloads: true, ...options });
    visit.context.setDefaultTimeout(15_000);
    visit.said = [];
    visit.asked = [];
    visit.context.on('request', request => { if (!/^(file|blob):/.test(request.url())) visit.asked.push(request.url()); });
    return visit;
  }

  async open(path, hash = '') {
    const page = await this.context.newPage();
    page.on('pageerror', error => this.said.push(error.message));
    page.on('console', message => { if (['error', 'warning'].includes(message.type())) this.said.push(message.text()); });
    await page.goto(`file://${path}${hash}`);
    this.page = page;
    return page;
  }

  /** The page once its script has run. */
  async read(path, hash = '') {
    const page = await this.open(path, hash);
    await settled(page);
    return page;
  }

  async end() {
    await this.context.close();
  }
}

/** Once the page is read to its end, and what is chosen is shown. */
export const settled = page => page.waitForFunction(() => document.documentElement.dataset.ready && !document.querySelector('#queue[aria-busy]'));

/** A packet that comes in two parts: the second once it is let through, as from a slow disk. */
export async function slowly(path, share) {
  const text = readFileSync(path, 'utf8');
  const at = text.lastIndexOf('</article>', Math.floor(text.length * share)) + '</article>'.length;
  const waiting = [];
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.write(text.slice(0, at));
    waiting.push(() => response.end(text.slice(at)));
  });
  await new Promise(done => { server.listen(0, '127.0.0.1', done); });
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    through: () => { for (const end of waiting.splice(0)) end(); },
    close: () => { server.closeAllConnections(); server.close(); },
  };
}

/** The first card of a rule, as a selector. */
export const card = (page, rule, at = 0) =>
  page.evaluate(([rule, at]) => `#${[...document.querySelectorAll('[data-proposal]')].filter(one => one.dataset.proposal.split(' ')[2] === rule)[at].id}`, [rule, at]);
export const count = page => page.locator('.bar .count').textContent();
export const press = async (page, ...keys) => { for (const key of keys) await page.keyboard.press(key); };

/** Exports by a button of the dialog, as this person; gives the file's text. */
export async function exported(page, as, who = 'Sabine Krüger') {
  await page.getByRole('button', { name: 'Export decisions' }).click();
  const box = page.locator('dialog');
  await box.getByLabel('Who decides').selectOption(who);
  await box.getByLabel(/^I read the evidence/).check();
  const [file] = await Promise.all([page.waitForEvent('download'), box.getByRole('button', { name: as, exact: true }).click()]);
  const text = readFileSync(await file.path(), 'utf8');
  await page.keyboard.press('Escape');
  return { name: file.suggestedFilename(), text };
}

/** What axe-core finds against WCAG 2.2 A and AA and good practice; in a world of its own, as the page's policy stands. Rules of `but` are left out. */
export async function faults(page, but = {}) {
  // What a browser has not laid out yet would be found lying over the next part, with its links too near.
  await page.evaluate(() => document.querySelectorAll('.blk').forEach(part => { part.style.contentVisibility = 'visible'; }));
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  await session.send('Runtime.evaluate', { contextId, expression: axe });
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    contextId, awaitPromise: true, returnByValue: true,
    expression: `axe.run(document, { runOnly: ${JSON.stringify(tags)}, resultTypes: ['violations'], rules: ${JSON.stringify(but)} }).then(found =>
      found.violations.map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.target.join(' ') + ' ' + (node.any[0]?.message || '')).join(' | ')))`,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
  return result.value;
}

export const vectors = () => readdirSync(new URL('vectors/', import.meta.url)).sort()
  .flatMap(name => readFileSync(new URL(`vectors/${name}`, import.meta.url), 'utf8').split('\n').filter(line => line && !line.startsWith('##')));
