#!/usr/bin/env node
// How fast a packet of many proposals is in Chromium: a review of generated leads, made by the release
// build, opened several times. A pause is the longest task of the main thread, in which nothing else is
// answered; until shown is the time from an act to the last frame it changes. To repeat:
//   cargo build --release && npm ci --prefix target/browser (see .ci/run) && benches/packet.mjs [PROPOSALS]

import { readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

process.env.CRM_REVIEW ||= fileURLToPath(new URL('../target/release/crm-review', import.meta.url));
const { Job, close, grown, launch } = await import('../tests/browser/driver.mjs');

const wanted = Number(process.argv[2] || 10_000);
const LOADS = 5;
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

/** The main thread's tasks by start and length in ms, as Chromium traces them while something is done. */
async function traced(session, act) {
  const events = [];
  const keep = ({ value }) => events.push(...value);
  session.on('Tracing.dataCollected', keep);
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', 'blink.user_timing'] } });
  await act();
  const done = new Promise(heard => { session.once('Tracing.tracingComplete', heard); });
  await session.send('Tracing.end');
  await done;
  session.off('Tracing.dataCollected', keep);
  const marks = events.filter(one => one.name.startsWith('act ')).sort((a, b) => a.ts - b.ts);
  const tasks = events.filter(one => one.name === 'ThreadControllerImpl::RunTask' && one.ph === 'X' && one.tid === marks[0].tid && one.pid === marks[0].pid);
  return marks.map(({ name, ts }, at) => {
    const end = marks[at + 1]?.ts ?? Infinity;
    return [name.slice('act '.length), Math.max(0, ...tasks.filter(one => one.ts >= ts && one.ts < end).map(one => one.dur / 1000))];
  });
}

const settled = page => page.waitForFunction(() => document.documentElement.dataset.ready && !document.querySelector('#queue[aria-busy]'));
const highest = (found, name, value) => { found[name] = Math.max(found[name] || 0, value); };

const runs = [];
for (let n = 0; n < LOADS; n += 1) {
  const page = await (await launch()).newPage({ viewport: { width: 1360, height: 900 } });
  const session = await page.context().newCDPSession(page);
  await page.addInitScript(() => {
    if (location.protocol !== 'file:') return;
    performance.mark('act reading');
    const look = () => {
      const there = document.querySelector('[data-proposal]')?.getBoundingClientRect().height;
      requestAnimationFrame(there ? at => { window.readable = at; } : look);
    };
    requestAnimationFrame(look);
    addEventListener('focusin', ({ target }) => { if (target.matches('[data-proposal]')) window.answered ??= performance.now(); }, true);
  });
  const [[, reading]] = await traced(session, async () => {
    await page.goto(`file://${path}`, { waitUntil: 'commit' });
    // A key that is pressed again until the first proposal answers to it.
    do await page.keyboard.press('n'); while (!await page.evaluate(() => window.answered));
    await settled(page);
  });
  const found = await page.evaluate(() => ({
    'first card': window.readable, 'keys answer': window.answered, 'all is there': Number(document.documentElement.dataset.ready),
  }));
  found['reading, longest pause'] = reading;
  await page.waitForTimeout(1_500);
  /** Does something, and waits until it is shown and a moment longer. */
  const act = async (kind, task, waits = 0) => {
    await page.evaluate(kind => { performance.mark(`act ${kind}`); }, kind);
    if (typeof task === 'string') await page.keyboard.press(task);
    else {
      highest(found, `${kind}, until shown`, await page.evaluate(async ([code, waits]) => {
        const frame = () => new Promise(done => { requestAnimationFrame(() => setTimeout(done, 0)); });
        const start = performance.now();
        const set = (name, value) => {
          const input = document.querySelector('.filters').elements[name];
          input.value = value ?? input.options[input.options.length - 1].value;
          input.dispatchEvent(new Event(name === 'text' ? 'input' : 'change', { bubbles: true }));
        };
        const [name, value] = code;
        if (name === 'scroll') scrollTo(0, value * document.documentElement.scrollHeight);
        else set(name, value);
        // What the page waits on purpose while somebody types.
        await new Promise(done => { setTimeout(done, waits); });
        do await frame(); while (document.querySelector('#queue[aria-busy]'));
        await frame();
        return performance.now() - start - waits;
      }, [task, waits]));
    }
    await page.waitForTimeout(350);
  };
  const pauses = await traced(session, async () => {
    for (const key of ['n', 'j', 'j', 'k', 'r', '2', 'z', 'e', '1', 'z']) await act('key', key);
    for (const name of ['segment', 'rule', 'severity', 'decision']) {
      if (!await page.locator(`.filters [name=${name}]`).count()) continue;
      await act('filter', [name]);
      await act('filter', [name, '']);
    }
    for (const text of ['works 99', 'works 99 mid', '']) await act('search', ['text', text], 121);
    for (let at = 0; at < 20; at += 1) await act('scroll', ['scroll', at / 20]);
  });
  for (const [kind, pause] of pauses) highest(found, `${kind}, longest pause`, pause);
  runs.push(found);
  await page.close();
}
await close();
const median = name => runs.map(run => run[name]).sort((a, b) => a - b)[runs.length >> 1];
console.log(`${proposals} proposals, ${(statSync(path).size / 1e6).toFixed(1)} MB, ${cpus().length} cores; of ${LOADS} loads the median and the quickest, of several acts the slowest, ms:`);
for (const name of Object.keys(runs[0])) console.log(`${name.padEnd(24)} ${String(Math.round(median(name))).padStart(6)} ${String(Math.round(Math.min(...runs.map(run => run[name])))).padStart(6)}`);
