#!/usr/bin/env node
// How fast a packet of many proposals is in Chromium: a review of generated leads, made by the release
// build, opened several times; prints a line for the README. To repeat:
//   cargo build --release && npm ci --prefix target/browser (see .ci/run) && benches/packet.mjs [PROPOSALS]

import { statSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

process.env.CRM_REVIEW ||= fileURLToPath(new URL('../target/release/crm-review', import.meta.url));
const { Job, close, grown, launch } = await import('../tests/browser/driver.mjs');

const wanted = Number(process.argv[2] || 10_000);
const LOADS = 3;
const job = new Job();
/** What the rules find wrong with each of these leads: owner, segment, routing, source and dates. */
const EACH = 6;
const NAMES = ['Anna', 'Bo', 'Cem', 'Dana', 'Elif', 'Femi', 'Gita', 'Hugo', 'Inès', 'Jun'];
const rows = Array.from({ length: Math.round(wanted / EACH) }, (_, n) => ({
  Id: `00QZZ${String(n).padStart(10, '0')}`, FirstName: NAMES[n % 10], LastName: `Field${n}`, Company: `Works ${n} Ltd`,
  Email: `person${n}@works-${n}.example`, Country: 'Germany', Segment__c: ['SMB', 'Mid', 'Enterprise'][n % 3],
  LeadSource: 'Webinar', Status: 'Open', CreatedDate: '2026-11-10', LastModifiedDate: '2026-11-20', IsConverted: 'false',
}));
job.put('exports/Lead.csv', grown(job.text('exports/Lead.csv').split('\n', 1)[0], rows));
job.put('review.toml', `${job.text('review.toml')}objects = ["lead"]\n`);
job.run();
const path = job.packet();
const proposals = /End of packet, ([\d,]+) proposals/.exec(readFileSync(path, 'utf8'))[1];

const runs = [];
for (let n = 0; n < LOADS; n += 1) {
  const page = await (await launch()).newPage({ viewport: { width: 1360, height: 900 } });
  await page.addInitScript(() => {
    window.painted = 0;
    new PerformanceObserver(list => { for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') window.painted = startTime; })
      .observe({ type: 'paint', buffered: true });
  });
  await page.goto(`file://${path}`);
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  await page.waitForTimeout(1_500);
  runs.push(await page.evaluate(async () => {
    const rest = ms => new Promise(done => setTimeout(done, ms));
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)));
    /** From the act to the frame that shows it, in ms; `waits` is what the page waits on purpose. */
    const timed = async (act, waits = 0) => {
      const start = performance.now();
      act();
      await rest(waits);
      await frame();
      const taken = performance.now() - start - waits;
      await rest(300);
      return taken;
    };
    const key = name => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
    const form = document.querySelector('.filters');
    const set = (name, value) => {
      form.elements[name].value = value;
      form.elements[name].dispatchEvent(new Event(name === 'text' ? 'input' : 'change', { bubbles: true }));
    };
    const found = { 'first paint': window.painted, ready: Number(document.documentElement.dataset.ready) };
    found.key = Math.max(...await (async () => { const all = []; for (const name of ['n', 'j', 'j', 'k', 'r', '2', 'z']) all.push(await timed(() => key(name))); return all; })());
    const filters = [];
    for (const name of ['segment', 'rule', 'severity', 'decision']) {
      if (!form.elements[name]) continue;
      const { options } = form.elements[name];
      filters.push(await timed(() => set(name, options[options.length - 1].value)), await timed(() => set(name, '')));
    }
    found.filter = Math.max(...filters);
    found.search = Math.max(await timed(() => set('text', 'works 99'), 121), await timed(() => set('text', ''), 121));
    const scrolls = [];
    for (let at = 0; at < 40; at += 1) {
      const start = performance.now();
      scrollTo(0, at * document.documentElement.scrollHeight / 40);
      await frame();
      scrolls.push(performance.now() - start);
    }
    found['scroll step'] = Math.max(...scrolls);
    return found;
  }));
  await page.close();
}
await close();
const median = name => runs.map(run => run[name]).sort((a, b) => a - b)[runs.length >> 1];
console.log(`${proposals} proposals, ${(statSync(path).size / 1e6).toFixed(1)} MB, ${cpus().length} cores, median of ${LOADS} loads (of several acts the slowest), ms:`);
console.log(Object.keys(runs[0]).map(name => `${name} ${Math.round(median(name))}`).join(' · '));
