// The packet in a browser: read, decided by keyboard and mouse, exported, taken up again, filtered, printed.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Job, Visit, card, close, count, exported, faults, grown, press, settled, slowly } from './driver.mjs';

let acme;
before(() => { acme = new Job().run(); });
after(close);

const stateOf = (page, at) => page.locator(at).getAttribute('data-decided');
/** The first card that is simply approved; of a bundle, where others ask for the same. */
const simple = (page, { bundled = false } = {}) => page.evaluate(bundled => `#${[...document.querySelectorAll('[data-proposal]')].find(one => {
  const [, approve, , , , , , same] = one.dataset.proposal.split(' ');
  return approve === 'free' && (!bundled || same !== '-') && !one.dataset.decided;
}).id}`, bundled);
const more = async (page, name) => {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.locator('dialog').getByRole('button', { name }).click();
};
/** How many cards are shown, once all are sieved. */
const shown = async page => {
  await settled(page);
  return page.locator('[data-proposal]:not([hidden], [hidden] *)').count();
};

test('everything can be decided by keyboard alone, and decide takes the file', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  assert.equal(await page.locator('[data-decided], [aria-pressed=true]').count(), 0);
  await press(page, 'n');
  const first = await page.evaluate(() => document.activeElement.id);
  await press(page, 'j');
  assert.notEqual(await page.evaluate(() => document.activeElement.id), first);
  await press(page, 'k');
  assert.equal(await page.evaluate(() => document.activeElement.id), first);

  const held = await card(page, 'DUP-01');
  await page.evaluate(at => document.querySelector(at).focus(), held);
  await press(page, 'a');
  assert.equal(await stateOf(page, held), 'open');
  assert.equal(await count(page), '0 of 135 decided, 1 not complete');
  await press(page, 'c');
  assert.equal(await stateOf(page, held), 'approve');
  assert.ok(await page.locator(`${held}.shut`).count(), 'it folds to one line');
  assert.match(await page.locator(`${held} .chip`).textContent(), /Approved, evidence confirmed/);
  assert.notEqual(await page.evaluate(() => document.activeElement.id), held.slice(1), 'and the next is at hand');

  const owner = await card(page, 'OWN-01');
  await page.evaluate(at => document.querySelector(at).focus(), owner);
  await press(page, 'r');
  assert.equal(await stateOf(page, owner), 'open');
  await press(page, '7');
  assert.equal(await stateOf(page, owner), 'open', 'another reason needs a note');
  await page.keyboard.type('=1+1 <b>by phone</b>, r e a\u202e');
  assert.equal(await stateOf(page, owner), 'reject');
  await page.evaluate(() => document.activeElement.blur());

  const third = await card(page, 'OWN-02');
  await page.evaluate(at => document.querySelector(at).focus(), third);
  await press(page, 'e', '3');
  assert.equal(await count(page), '3 of 135 decided');
  await press(page, 'z');
  assert.equal(await count(page), '2 of 135 decided, 1 not complete');
  await press(page, 'z');
  assert.equal(await count(page), '2 of 135 decided');
  await press(page, 'e', '3');
  await page.evaluate(at => document.querySelector(at).focus(), third);
  await press(page, 'o');
  assert.equal(await page.locator(`${third}.shut`).count(), 0);
  await press(page, 'u');
  assert.equal(await count(page), '2 of 135 decided');
  await press(page, 'e', '3');

  const file = await exported(page, 'JSON');
  const job = acme.copy();
  job.put('week.json', file.text);
  const said = job.call('decide', 'week.json');
  assert.equal(said.code, 0, said.err);
  assert.match(said.out, /^week.json: 1 approved, 1 rejected, 1 escalated; 132 still undecided\n/);
  assert.deepEqual([visit.said, visit.asked], [[], []]);
  await visit.end();
});

test('a hundred steps can be undone, and no more', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const at = await card(page, 'OWN-01');
  await page.evaluate(at => document.querySelector(at).focus(), at);
  for (let n = 0; n < 105; n += 1) await press(page, n % 2 ? 'r' : 'e');
  for (let n = 0; n < 105; n += 1) await press(page, 'z');
  assert.equal(await stateOf(page, at), 'open', 'the first five steps are past undoing');
  await visit.end();
});

test('an undo takes back what it names, and a key decides on nothing that was scrolled away', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const [held, owner] = [await card(page, 'DUP-01'), await card(page, 'OWN-01')];
  const at = where => page.evaluate(one => document.querySelector(one).focus(), where);
  const undo = page.locator('.toast button');
  await at(held);
  await press(page, 'a', 'c');
  assert.equal(await undo.count(), 1);
  await at(owner);
  await press(page, 'r');
  assert.equal(await undo.count(), 0, 'the last step is another one now');
  await press(page, 'z');
  assert.match(await page.locator('.toast').textContent(), /^Undone: rejected F-/);
  assert.equal(await undo.count(), 0);
  await press(page, 'z');
  assert.match(await page.locator('.toast').textContent(), /^Undone: confirmation on F-/);

  await at(owner);
  await page.mouse.move(600, 400);
  await page.mouse.wheel(0, 30_000);
  await page.waitForFunction(one => document.querySelector(one).getBoundingClientRect().bottom < 0, owner);
  await press(page, 'r');
  assert.equal(await stateOf(page, owner), null, 'it is shown first');
  await press(page, 'r');
  assert.equal(await stateOf(page, owner), 'open');
  await visit.end();
});

test('a mouse decides, a spreadsheet opens the file, and decide takes it', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const [held, owner] = [await card(page, 'DUP-01'), await card(page, 'OWN-01')];
  await page.locator(`${owner} button`, { hasText: 'Reject' }).click();
  await page.locator(`${owner} .list button`, { hasText: 'Other' }).or(page.locator(`${owner} .list button`, { hasText: 'another reason' })).click();
  await page.locator(`${owner} textarea`).fill('=cmd|x, "ask"\nowner');
  await page.locator(`${held} button`, { hasText: 'Approve' }).click();
  await page.locator(`${held} .tick input`).check();
  const free = await simple(page);
  await page.locator(`${free} button`, { hasText: 'Approve' }).click();
  assert.equal(await count(page), '3 of 135 decided');
  await page.locator('.toast button', { hasText: 'Undo' }).click();
  assert.equal(await count(page), '2 of 135 decided');
  const file = await exported(page, 'CSV');
  assert.ok(file.text.startsWith('\ufeffrun,packet_digest,') && file.text.includes('\r\n'));
  assert.ok(file.text.includes(`"'=cmd|x, ""ask""\nowner"`), 'no cell is a formula');
  const job = acme.copy();
  job.put('week.csv', file.text);
  const said = job.call('decide', 'week.csv');
  assert.equal(said.code, 0, said.err);
  assert.match(said.out, /1 approved, 1 rejected, 0 escalated/);
  assert.ok(job.text('ledger.jsonl').includes('=cmd|x, \\"ask\\"\\nowner'), 'the guard is off again');
  await visit.end();
});

test('a button that is pressed can be read under the mouse', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const visit = await Visit.of({ colorScheme });
    const page = await visit.read(acme.packet());
    const contrast = at => at.evaluate(one => {
      const light = text => {
        const [r, g, b] = text.match(/\d+/g).map(n => n / 255).map(n => n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const { color, backgroundColor } = getComputedStyle(one);
      const [dark, bright] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
      return bright / dark;
    });
    const held = await card(page, 'LIF-02');
    for (const text of ['Reject', 'Escalate', 'Approve']) {
      const made = page.locator(`${held} .verdicts button`, { hasText: text });
      await made.click();
      await made.hover();
      assert.equal(await made.getAttribute('aria-pressed'), 'true');
      assert.ok(await contrast(made) > 4.5, `${text}, ${colorScheme}: ${await contrast(made)}`);
    }
    await page.locator(`${held} .verdicts button`, { hasText: 'Reject' }).click();
    await page.locator(`${held} .list button`).nth(6).click();
    const reason = page.locator(`${held} .list button[aria-pressed=true]`);
    await reason.hover();
    assert.ok(await contrast(reason) > 4.5, colorScheme);
    await visit.end();
  }
});

test('what the evidence does not carry cannot be approved', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const never = await page.evaluate(() => `#${[...document.querySelectorAll('[data-proposal]')].find(one => one.dataset.proposal.split(' ')[1] === 'never').id}`);
  await page.evaluate(at => document.querySelector(at).focus(), never);
  await press(page, 'a');
  assert.equal(await stateOf(page, never), null);
  assert.equal(await page.locator(`${never} .verdicts button`).count(), 2);
  await visit.end();
});

test('a question is closed as looked into, and what can be approved is not', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const by = kind => page.evaluate(kind => `#${[...document.querySelectorAll('[data-proposal]')].find(one => one.dataset.proposal.split(' ')[1] === kind).id}`, kind);
  const reasons = at => page.locator(`${at} .list button`).allTextContents();
  const [question, proposal] = [await by('ask'), await by('free')];
  for (const at of [proposal, question]) {
    await page.evaluate(at => document.querySelector(at).focus(), at);
    await press(page, 'r');
    assert.equal((await reasons(at)).some(text => text.endsWith('Looked into, no change')), at === question);
  }
  await press(page, '8');
  assert.equal(await stateOf(page, question), 'reject');
  const file = await exported(page, 'JSON');
  const job = acme.copy();
  job.put('week.json', file.text);
  assert.equal(JSON.parse(file.text).decisions[0].reason_code, 'looked_into');
  assert.equal(job.call('decide', 'week.json').code, 0);
  await visit.end();
});

test('whoever works by keyboard is somewhere after every step', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const where = () => page.evaluate(() => {
    const at = document.activeElement;
    return at === document.body || !at.checkVisibility() ? 'nowhere' : at.name || at.id || at.textContent;
  });
  await page.locator('.filters').getByLabel('Family').selectOption('owners');
  await settled(page);
  await page.getByRole('button', { name: 'Clear filters' }).press('Enter');
  assert.equal(await where(), 'text', 'beside the filters that were cleared');
  await page.keyboard.type('zzzz nothing');
  await page.waitForFunction(() => !document.querySelector('p.none[hidden]'));
  await page.getByRole('button', { name: 'Show all' }).press('Enter');
  assert.equal(await where(), 'queue-h');
  await settled(page);

  const at = await simple(page, { bundled: true });
  await page.evaluate(at => document.querySelector(at).focus(), at);
  await press(page, 'r', '1');
  await page.locator('.toast button').press('Enter');
  assert.equal(await where(), at.slice(1), 'where the undone decision was');
  await press(page, 'x');
  await page.locator('.bulk button', { hasText: 'Select all' }).press('Enter');
  await page.locator('.bulk button', { hasText: 'Reject' }).press('Enter');
  await press(page, 'Escape');
  assert.equal(await where(), 'Reject', 'back at what opened the dialog');
  await page.locator('.bulk button', { hasText: 'Reject' }).press('Enter');
  const box = page.locator('dialog');
  const alike = (await box.locator('h2').textContent()).match(/\d+/)[0];
  await box.getByLabel('One reason for all').selectOption('agreed_exception');
  await box.getByLabel(/^Type/).fill(alike);
  await box.getByRole('button', { name: `Reject ${alike}` }).press('Enter');
  assert.match(await where(), /^F-/);
  await page.locator('.toast button').press('Enter');
  assert.match(await where(), /^F-/, 'at one of those that were undone');
  await press(page, 'r');
  await page.locator('.list button').first().focus();
  await press(page, 'z');
  assert.match(await where(), /^F-/, 'its buttons are gone');

  await page.getByRole('button', { name: 'More', exact: true }).press('Enter');
  await box.getByRole('button', { name: 'Shortcut keys' }).press('Enter');
  await press(page, 'Escape');
  assert.equal(await where(), 'More');
  await page.getByRole('button', { name: 'More', exact: true }).press('Enter');
  await box.getByRole('button', { name: 'Import decisions' }).press('Enter');
  await box.getByRole('button', { name: 'Close' }).press('Enter');
  assert.equal(await where(), 'More');
  await page.evaluate(at => document.querySelector(at).focus(), at);
  await press(page, 'e', '1');
  await page.getByRole('button', { name: 'More', exact: true }).press('Enter');
  await box.getByRole('button', { name: 'Discard' }).press('Enter');
  assert.notEqual(await where(), 'nowhere');
  await page.locator('.toast button').press('Enter');
  assert.match(await where(), /^F-/);
  await visit.end();
});

test('a day that `decide` does not take leaves an escalation not complete', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const owner = await card(page, 'OWN-01');
  const by = page.locator(`${owner} input[type=date]`);
  await page.evaluate(at => document.querySelector(at).focus(), owner);
  await press(page, 'e', '3');
  await page.locator(`${owner} .out button`).click();
  assert.equal(await stateOf(page, owner), 'escalate');
  for (const day of ['20266-12-04', '2301-01-01']) {
    await by.fill(day);
    assert.equal(await stateOf(page, owner), 'open', day);
    assert.equal(await page.locator(`${owner} .said`).textContent(), 'Not counted yet: it needs a day before 2301.');
    assert.equal(await by.evaluate(input => input.validity.rangeOverflow), true, day);
  }
  await by.fill('2300-12-31');
  assert.equal(await stateOf(page, owner), 'escalate');
  const file = await exported(page, 'JSON');
  const job = acme.copy();
  job.put('week.json', file.text);
  assert.equal(job.call('decide', 'week.json').code, 0);

  await page.evaluate(at => document.querySelector(at).focus(), await simple(page, { bundled: true }));
  await press(page, 'x');
  await page.locator('.bulk button', { hasText: 'Escalate' }).click();
  const box = page.locator('dialog');
  await box.getByLabel('Who decides').selectOption({ index: 1 });
  await box.getByLabel('Answer by').fill('20266-12-04');
  await box.getByLabel(/^Type 1 to confirm/).fill('1');
  await box.getByRole('button', { name: 'Escalate 1' }).click();
  assert.equal(await box.locator('.wrong').textContent(), 'It needs a day before 2301.');
  await visit.end();
});

test('where nobody is named who may decide, it is said before anything is decided', async () => {
  const visit = await Visit.of();
  const job = new Job();
  // As `init` leaves it.
  job.put('rules/approvals.toml', '[approver]\nname = "(not named yet)"\n');
  job.run();
  const page = await visit.read(job.packet());
  const says = /^Nobody is named who may decide.*rules\/approvals\.toml and run again/;
  assert.match(await page.locator('.bar .wrong').innerText(), says);
  await press(page, 'n', 'r', '2');
  assert.match(await page.locator('.bar .wrong').innerText(), says);
  await page.getByRole('button', { name: 'Export decisions' }).click();
  assert.equal(await page.locator('dialog').count(), 0, 'there is no list to choose from');
  await visit.end();
});

test('an export needs a name and the statement, and says what is left out', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const owner = await card(page, 'OWN-01');
  await page.locator(`${owner} button`, { hasText: 'Reject' }).click();
  await page.locator(`${owner} .list button`).nth(1).click();
  await page.locator(`${await card(page, 'OWN-02')} button`, { hasText: 'Reject' }).click();
  await page.getByRole('button', { name: 'Export decisions' }).click();
  const box = page.locator('dialog');
  const says = () => box.locator('.wrong').textContent();
  assert.match(await box.textContent(), /1 decision not complete and left out/);
  await box.getByRole('button', { name: 'JSON' }).click();
  assert.equal(await says(), 'Choose who decides, then export.');
  await box.getByLabel('Who decides').selectOption('Sabine Krüger');
  await box.getByRole('button', { name: 'JSON' }).click();
  assert.equal(await says(), 'Tick the statement, then export.');
  await box.getByLabel(/^I read the evidence/).check();
  await box.getByRole('button', { name: 'Text to copy' }).click();
  const text = await box.getByLabel('The decisions file as text').inputValue();
  assert.equal(JSON.parse(text).decisions.length, 1);
  assert.match(await says(), /Record it: crm-review decide FOLDER decisions-2026-11-23-/);
  await visit.end();
});

test('a draft waits for the next visit, and another tab is told of', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const owner = await card(page, 'OWN-01');
  await page.locator(`${owner} button`, { hasText: 'Reject' }).click();
  await page.locator(`${owner} .list button`).nth(1).click();
  await page.waitForFunction(() => /Draft saved here \d\d:\d\d/.test(document.querySelector('.kept').textContent));
  const kept = await page.evaluate(() => JSON.stringify(localStorage));
  for (const value of ['Stefan Pohl', 'acme-instruments', 'Lead.csv']) assert.ok(!kept.includes(value), `${value} is in the draft`);
  await page.reload();
  await settled(page);
  assert.equal(await count(page), '1 of 135 decided');
  assert.equal(await stateOf(page, owner), 'reject');
  assert.ok(await page.locator(`${owner}.shut`).count());
  const other = await visit.context.newPage();
  await other.goto(`file://${acme.packet()}`);
  await other.waitForFunction(() => document.documentElement.dataset.ready);
  await other.locator(`${await card(other, 'OWN-02')} button`, { hasText: 'Reject' }).click();
  const told = () => document.querySelector('.bar .wrong').textContent.startsWith('Another tab changed this draft');
  await page.waitForFunction(told);
  await page.locator('.bar button', { hasText: 'Export' }).click();
  assert.match(await page.locator('dialog').textContent(), /Another tab changed this draft/);
  await page.keyboard.press('Escape');
  assert.ok(await page.evaluate(told), 'and goes on being told');
  await visit.end();
});

test('a viewer that keeps nothing says so, and everything else works', async () => {
  const visit = await Visit.of();
  const job = acme.copy();
  job.put('frame.html', `<!doctype html><title>frame</title><iframe sandbox="allow-scripts" width="1300" height="800" src="file://${job.packet()}"></iframe>`);
  const page = await visit.open(`${job.path}/frame.html`);
  const frame = page.frames().find(one => one !== page.mainFrame());
  await frame.waitForFunction(() => document.documentElement.dataset.ready);
  assert.match(await frame.locator('.kept').textContent(), /keeps no draft/);
  await frame.locator(`${await card(frame, 'OWN-01')} button`, { hasText: 'Reject' }).click();
  await frame.selectOption('select[name=family]', 'owners');
  assert.match(await frame.locator('.tally').textContent(), / of 135 proposals/);
  await visit.end();
});

test('an exported file is taken up again, and one of another packet is not', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  for (const rule of ['OWN-01', 'OWN-02']) {
    const at = await card(page, rule);
    await page.locator(`${at} button`, { hasText: 'Reject' }).click();
    await page.locator(`${at} .list button`).nth(1).click();
  }
  const file = JSON.parse((await exported(page, 'JSON')).text);
  await visit.end();

  const fresh = await Visit.of();
  const again = await fresh.read(acme.packet());
  const take = async read => {
    await more(again, 'Import decisions');
    await again.getByLabel('Or its text').fill(typeof read === 'string' ? read : JSON.stringify(read));
    await again.getByRole('button', { name: 'Import', exact: true }).click();
    await again.waitForFunction(() => document.querySelector('dialog .wrong').textContent);
    const says = await again.locator('dialog .wrong').textContent();
    await again.keyboard.press('Escape');
    return says;
  };
  assert.equal(await take('nonsense'), 'It is not a decisions file that this packet can read. Nothing was taken.');
  assert.equal(await take({ ...file, packet_digest: `sha256:${'0'.repeat(64)}` }), 'It decides on another packet. Nothing was taken.');
  assert.equal(await count(again), '0 of 135 decided');
  const [one, two] = file.decisions;
  const stale = { ...two, evidence_digest: '0'.repeat(24) };
  const forged = { ...one, finding: (await card(again, 'DUP-01')).slice(1), decision: 'approve', via: 'bulk' };
  assert.match(await take({ ...file, decisions: [one, stale, forged] }), /^1 decision taken; 2 left out/);
  assert.equal(await count(again), '1 of 135 decided');
  assert.match(await take({ ...file, decisions: [{ ...one, decided_at: '2020-01-01T00:00:00Z' }] }), /^0 decisions taken; 1 older/);
  await more(again, 'Import decisions');
  await again.getByLabel('File').setInputFiles({ name: 'week.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(file)) });
  await again.waitForFunction(() => document.querySelector('dialog .wrong').textContent.startsWith('2 decisions taken'));
  await fresh.end();
});

test('filters are a link, survive a reload, and let a link through', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  assert.equal(await page.locator('.tally').textContent(), '135 proposals');
  await page.locator('.filters').getByLabel('Family').selectOption('owners');
  const owners = await shown(page);
  assert.ok(owners > 1 && owners < 135);
  assert.equal(await page.locator('.tally').textContent(), `${owners} of 135 proposals`);
  await page.waitForFunction(of => document.querySelector('[role=status]').textContent === `${of} of 135 proposals`, owners);
  assert.equal(await page.locator('.fam:not([hidden])').count(), 1);
  await page.getByLabel('Team').selectOption('EMEA');
  const both = await shown(page);
  assert.ok(both < owners);
  assert.equal(new URL(page.url()).hash, '#family=owners&team=EMEA');
  await page.reload();
  await settled(page);
  assert.equal(await shown(page), both);
  const names = await page.locator('.filters [name]').evaluateAll(all => all.map(one => one.name));
  assert.deepEqual(names, ['text', 'decision', 'severity', 'family', 'approval', 'owner', 'team', 'rule', 'source', 'segment', 'region', 'size']);
  await page.evaluate(() => document.activeElement.blur());
  await press(page, '/');
  await page.keyboard.type('zzzz nothing');
  await page.waitForFunction(() => !document.querySelector('p.none[hidden]'));
  assert.match(await page.locator('#queue > p.none').textContent(), /No proposal fits these filters/);
  await press(page, 'Escape');
  await page.waitForFunction(of => document.querySelectorAll('[data-proposal]:not([hidden], [hidden] *)').length === of, both);
  const outside = await card(page, 'DUP-01');
  await page.locator(`.first a[href="${outside}"]`).click();
  await page.waitForFunction(at => document.activeElement === document.querySelector(at), outside);
  assert.equal(await page.locator('.tally').textContent(), '135 proposals');
  await page.getByLabel('Search').fill('pohl deactivated');
  await page.waitForFunction(() => document.querySelectorAll('[data-proposal]:not([hidden], [hidden] *)').length < 20);
  await page.emulateMedia({ media: 'print' });
  assert.match(await page.locator('.printed').innerText(), /^Printed with a filter: “pohl deactivated”\. \d+ of 135 proposals are here\.$/);
  const linked = await visit.read(acme.packet(), '#family=owners');
  const top = () => linked.locator('#queue').evaluate(one => Math.abs(one.getBoundingClientRect().top));
  assert.ok(await top() < 80, `a link to what fits leads there, and not ${await top()} beside it`);
  await visit.end();
});

test('several at once are of one rule and one proposal, counted by hand, and undone in one step', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const at = await simple(page, { bundled: true });
  const same = await page.evaluate(at => document.querySelector(at).dataset.proposal.split(' ')[7], at);
  const alike = await page.evaluate(same => [...document.querySelectorAll('[data-proposal]')].filter(one => one.dataset.proposal.split(' ')[7] === same).length, same);
  assert.ok(alike > 1);
  await page.evaluate(at => document.querySelector(at).focus(), at);
  await press(page, 'x');
  const other = await page.evaluate(same => `#${[...document.querySelectorAll('[data-proposal]')].find(one => !['-', same].includes(one.dataset.proposal.split(' ')[7])).id}`, same);
  await page.evaluate(at => document.querySelector(at).focus(), other);
  await press(page, 'x');
  assert.match(await page.locator('.bar .wrong').textContent(), /one rule that ask for the same change/);
  await page.locator('.bulk button', { hasText: `Select all ${alike} alike` }).click();
  await page.locator('.bulk button', { hasText: 'Approve' }).click();
  const box = page.locator('dialog');
  assert.equal(await box.locator('h2').textContent(), `Approve ${alike} proposals`);
  assert.ok(await box.locator('details').count() >= 2, 'a sample to read');
  await box.getByRole('button', { name: `Approve ${alike}` }).click();
  assert.equal(await box.locator('.wrong').textContent(), `Type ${alike} to confirm the count.`);
  await box.getByLabel(`Type ${alike} to confirm the count`).fill(String(alike));
  await box.getByRole('button', { name: `Approve ${alike}` }).click();
  assert.equal(await count(page), `${alike} of 135 decided`);
  await press(page, 'z');
  assert.equal(await count(page), '0 of 135 decided');
  await page.evaluate(at => document.querySelector(at).focus(), at);
  await press(page, 'x');
  await page.locator('.bulk button', { hasText: 'Select all' }).click();
  await page.locator('.bulk button', { hasText: 'Reject' }).click();
  await box.getByLabel('One reason for all').selectOption('agreed_exception');
  await box.getByLabel(/^Type/).fill(String(alike));
  await box.getByRole('button', { name: `Reject ${alike}` }).click();

  const held = await card(page, 'DUP-01');
  await page.locator(`${held} button`, { hasText: 'Approve' }).click();
  await page.locator(`${held} .tick input`).check();
  const file = JSON.parse((await exported(page, 'JSON')).text);
  assert.deepEqual(file.counts, { approve: 1, reject: alike, escalate: 0, undecided: 134 - alike });
  assert.equal(new Set([...file.undecided, ...file.decisions.map(one => one.finding)]).size, 135);
  assert.deepEqual(file.decisions.map(one => one.via).sort(), [...Array(alike).fill('bulk'), 'single']);
  const job = acme.copy();
  job.put('week.json', JSON.stringify(file));
  const forged = file.decisions.map(one => one.decision === 'approve' ? { ...one, via: 'bulk' } : one);
  job.put('forged.json', JSON.stringify({ ...file, decisions: forged }));
  const refused = job.call('decide', 'forged.json');
  assert.equal(refused.code, 2);
  assert.match(refused.err, new RegExp(held.slice(1)));
  assert.equal(job.call('decide', 'week.json').code, 0);
  await visit.end();
});

test('a rule that was often wrong comes last and folded, and nothing of it is hidden', async () => {
  const visit = await Visit.of();
  const job = new Job().run('2026-11-21');
  const first = await visit.read(job.packet('packet.html', '2026-11-21'));
  const ids = await first.evaluate(() => [...document.querySelectorAll('#owners [data-proposal*=" OWN-01 "]')].map(one => `#${one.id}`));
  assert.ok(ids.length > 5);
  for (const id of ids.slice(0, 5)) {
    await first.evaluate(at => document.querySelector(at).focus(), id);
    await press(first, 'r', '2');
  }
  job.put('week.json', (await exported(first, 'JSON')).text);
  assert.equal(job.call('decide', 'week.json').code, 0);
  job.run();
  const page = await visit.read(job.packet());
  const codes = await page.locator('#owners .rule').evaluateAll(all => all.map(one => one.id));
  assert.equal(codes.at(-1), 'OWN-01');
  const late = page.locator('.late .card');
  const count = await late.count();
  assert.ok(count > 0);
  assert.equal(await page.locator('.late .card:visible').count(), count);
  assert.equal(await page.locator('.late .bd:visible').count(), 0);
  assert.ok((await late.first().boundingBox()).height < 60, 'one line');
  await late.first().getByRole('button', { name: 'Expand' }).click();
  assert.equal(await page.locator('.late .bd:visible').count(), 1);
  assert.ok(await late.first().locator('.verdicts').isVisible());
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.locator('.late .bd:visible').count(), count, 'paper has the evidence');
  const plain = await (await Visit.of({ javaScriptEnabled: false })).open(job.packet());
  assert.equal(await plain.locator('.late .bd:visible').count(), count, 'and so has a page without its script');
  await visit.end();
});

test('what is read first says how grave it is and what follows from it', async () => {
  const visit = await Visit.of();
  const job = new Job().run('2026-11-16').run();
  const page = await visit.read(job.packet());
  const first = await page.locator('.first li').allTextContents();
  assert.equal(first.length, 5);
  for (const text of first) assert.match(text, /^F-\w{10}High.+[^.]\. [A-Z].+\.$/);
  assert.ok(await page.locator('.toc a[href="#since"]').isVisible());
  assert.equal(await page.locator('#since h2').textContent(), 'Since the packet of 16 November 2026');
  const bars = await page.locator('.age svg').count();
  assert.equal(bars, await page.locator('#week tbody a').count(), 'a bar for every family and none for all');
  const [new_, some] = await page.locator('.age rect').evaluateAll(all => ['new', 'some'].map(of => getComputedStyle(all.find(one => one.classList.contains(of))).fill));
  assert.notEqual(new_, some);
  const young = await visit.read(job.packet('packet.html', '2026-11-16'));
  assert.equal(await young.locator('.age').count(), 0, 'of a first packet everything is new');
  await visit.end();
});

test('on a small screen the controls take one line and the contents wait to be opened', async () => {
  const visit = await Visit.of({ viewport: { width: 360, height: 800 } });
  const page = await visit.read(acme.packet());
  const box = at => page.locator(at).first().boundingBox();
  assert.ok((await box('.bar')).height < 48, 'one line');
  assert.ok((await box('h1')).y < 240, `the title is at ${(await box('h1')).y}`);
  await page.locator('.toc summary').click();
  assert.ok(await page.locator('.toc a[href="#owners"]').isVisible());
  const twins = `${await card(page, 'DUP-01')} .cmp`;
  assert.ok(await page.locator(twins).evaluate(one => one.scrollWidth <= one.parentElement.clientWidth), 'both records are on the screen');
  const heights = await page.locator(`${twins} tbody tr`).evaluateAll(all => all.map(one => one.offsetHeight));
  assert.ok(Math.max(...heights) < 140, `rows of ${heights}`);
  const families = page.locator('.sc[aria-label="Proposals by family"]');
  const left = () => families.locator('tbody th').first().evaluate(one => Math.round(one.getBoundingClientRect().left));
  const before = await left();
  await families.evaluate(one => { one.scrollLeft = 200; });
  assert.equal(await left(), before, 'the families stay beside their numbers');
  await visit.end();
});

test('what was done last covers neither the selection nor the evidence', async () => {
  const visit = await Visit.of({ viewport: { width: 1280, height: 900 } });
  const page = await visit.read(acme.packet());
  const at = await simple(page, { bundled: true });
  await page.evaluate(at => document.querySelector(at).focus(), at);
  await press(page, 'x');
  const owner = await card(page, 'OWN-01');
  await page.locator(`${owner} button`, { hasText: 'Reject' }).click();
  await page.locator(`${owner} .list button`).nth(1).click();
  const [toast, bulk, text] = await Promise.all(['.toast', '.bulk', 'main'].map(at => page.locator(at).boundingBox()));
  assert.ok(toast.x + toast.width <= Math.min(bulk.x, text.x), 'it stands below the contents');
  await page.setViewportSize({ width: 600, height: 800 });
  const [above, below] = await Promise.all(['.toast', '.bulk'].map(at => page.locator(at).boundingBox()));
  assert.ok(above.y + above.height <= below.y, 'it stands above the selection');
  await visit.end();
});

test('colours are chosen once, and paper is white', async () => {
  const visit = await Visit.of({ colorScheme: 'light' });
  const page = await visit.read(acme.packet());
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByLabel('Colours').selectOption('Dark');
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  await settled(page);
  assert.equal(await ground(), dark, 'it is kept');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await ground(), 'rgb(255, 255, 255)');
  await page.emulateMedia({ media: 'screen', colorScheme: 'dark' });
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByLabel('Colours').selectOption('Light');
  assert.equal(await ground(), light);
  await page.getByLabel('Colours').selectOption('As the system');
  assert.equal(await ground(), dark);
  await visit.end();
});

test('what a search finds begins where it is looked for, and nothing found is said there', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const top = at => page.locator(at).evaluate(one => Math.round(one.getBoundingClientRect().top));
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight / 3));
  await page.locator('.filters').getByLabel('Search').fill('zzzz nothing');
  await page.waitForFunction(() => document.querySelector('.tally').textContent === '0 of 135 proposals');
  assert.ok(await page.locator('.tally').isVisible());
  assert.ok(Math.abs(await top('.tally') - await top('.filters input')) < 60, 'right below the search');
  assert.ok(await page.locator('#queue > p.none').isVisible());
  assert.ok(await top('#queue') >= 0 && await top('#queue') < 200, `the queue is at ${await top('#queue')}`);
  await page.locator('.filters').getByLabel('Search').fill('pohl');
  await page.waitForFunction(() => !document.querySelector('.tally').textContent.startsWith('0'));
  assert.ok(await top('[data-proposal]:not([hidden], [hidden] *) >> nth=0') < 900, 'the first hit is on the screen');
  const sizes = await page.locator('select[name=size] option').evaluateAll(all => all.map(one => parseInt(one.textContent, 10)).filter(Number));
  assert.ok(sizes.length > 2);
  assert.deepEqual(sizes, [...sizes].sort((a, b) => a - b));
  await visit.end();
});

test('the one metric is the largest figure, and its chart is as wide as it has weeks', async () => {
  const visit = await Visit.of({ viewport: { width: 1280, height: 900 } });
  const job = new Job().run('2026-11-16').run();
  const page = await visit.read(job.packet());
  const size = at => page.locator(at).evaluate(one => parseFloat(getComputedStyle(one).fontSize));
  assert.match(await page.locator('.metric .big').textContent(), /^at most \d+\.\d %$/);
  assert.ok(await size('.metric .big') > await size('.figs dd >> nth=0'));
  const { y, height } = await page.locator('.metric .big').boundingBox();
  assert.ok(y + height < 700, 'it is on the first screen');
  assert.ok((await page.locator('.trend svg').boundingBox()).width < 240, 'two weeks are no wide chart');
  assert.deepEqual(await page.locator('.figs dt').allTextContents(), ['new', 'seen before', 'resolved']);
  assert.match(await page.locator('.beside').textContent(), /the tables below count every family/);
  assert.equal(await page.locator('.metric details[open]').count(), 0);
  await visit.end();
});

test('what is held for its number is called held everywhere', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const marks = await page.evaluate(() => [...document.querySelectorAll('[data-proposal]')].map(one => one.dataset.proposal.split(' ').slice(1, 3)));
  const held = marks.filter(([approve]) => approve === 'held');
  const owners = held.filter(([, rule]) => rule.startsWith('OWN-'));
  assert.ok(owners.length > 1);
  assert.equal(await page.locator('.card .tag', { hasText: 'Held: ' }).count(), held.length);
  const cells = at => page.locator(`#week tr:has(${at}) td`).allTextContents();
  assert.equal(await page.locator('.figs div', { hasText: 'held' }).locator('dd').textContent(), String(held.length));
  assert.equal((await cells('a[href="#owners"]'))[6], String(owners.length));
  assert.match(await page.getByLabel('Approval').innerText(), new RegExp(`Held \\(${held.length}\\)`));
  assert.match(acme.text('runs/2026-11-23/summary.txt'), new RegExp(`\nOwners( +\\d+){4} +${owners.length} `));
  assert.match(await page.locator('#owners .fam-h').textContent(), new RegExp(`${owners.length} of these are held for their number`));
  const at = await page.evaluate(() => `#${[...document.querySelectorAll('#owners [data-proposal*=" held "]')].find(one => one.dataset.proposal.split(' ')[7] !== '-').id}`);
  await page.evaluate(at => document.querySelector(at).focus(), at);
  await press(page, 'x');
  assert.equal(await page.locator('.bulk button', { hasText: 'Approve' }).count(), 0);
  assert.match(await page.locator('.bulk').textContent(), /Held ones are approved one at a time/);
  await visit.end();
});

test('the operator profile asks for tickets and a second approver', async () => {
  const visit = await Visit.of();
  const job = new Job({
    'rules/approvals.toml': `profile = "operator"
mass_owner_changes = 1
[approver]
name = "Dana Reyes"
[[role]]
name = "RevOps"
people = ["Dana Reyes", "Ida Moor"]
may_approve = "all"
`,
  }).run();
  const page = await visit.read(job.packet());
  const held = await card(page, 'DUP-01');
  await page.locator(`${held} button`, { hasText: 'Approve' }).click();
  await page.locator(`${held} .tick input`).check();
  assert.equal(await page.locator(`${held} .said`).textContent(), 'Not counted yet: it needs a ticket.');
  await page.locator(`${held} .why input[type=text]`).fill('CHG-1');
  await page.getByRole('button', { name: 'Export decisions' }).click();
  await page.getByLabel('Second approver').selectOption('Ida Moor');
  await press(page, 'Escape');
  const file = await exported(page, 'JSON', 'Dana Reyes');
  job.put('week.json', file.text);
  const said = job.call('decide', 'week.json');
  assert.equal(said.code, 0, said.err);
  await visit.end();
});

test('what was approved and waits asks for nothing', async () => {
  const visit = await Visit.of();
  const job = new Job().run('2026-11-21');
  let page = await visit.read(job.packet('packet.html', '2026-11-21'));
  const waits = await simple(page);
  await page.locator(`${waits} button`, { hasText: 'Approve' }).click();
  job.put('week.json', (await exported(page, 'JSON')).text);
  assert.equal(job.call('decide', 'week.json').code, 0);
  job.run();
  page = await visit.read(job.packet());
  assert.equal((await page.locator(waits).getAttribute('data-proposal')).split(' ')[1], 'waits');
  await page.evaluate(at => document.querySelector(at).focus(), waits);
  await press(page, 'r');
  assert.equal(await page.locator(`${waits} .ask, ${waits} .paper`).count(), 0);
  assert.equal(await count(page), '0 of 134 decided');
  assert.match(await page.locator(`${waits}.shut .k`).textContent(), /Approved, not yet applied/, 'it stands folded');
  await press(page, 'o');
  assert.equal(await page.locator(`${waits}.shut`).count(), 0);
  await visit.end();
});

test('keys answer while the page is still being read, and no decision is lost by that', async () => {
  const visit = await Visit.of();
  const slow = await slowly(acme.packet(), 0.5);
  const page = await visit.context.newPage();
  const begin = async () => {
    await page.goto(slow.address, { waitUntil: 'commit' });
    await page.waitForFunction(() => document.querySelector('.bar') && document.querySelectorAll('.ask').length > 20);
  };
  const ids = () => page.evaluate(() => [...document.querySelectorAll('[data-decided]')].map(one => one.id));
  await begin();
  slow.through();
  await settled(page);
  const late = await page.evaluate(() => [...document.querySelectorAll('[data-proposal]')].at(-2).id);
  await page.evaluate(id => document.getElementById(id).focus(), late);
  await press(page, 'r', '2');
  await page.waitForFunction(() => document.querySelector('.bar .kept').textContent.startsWith('Draft saved'));

  await begin();
  assert.equal(await page.evaluate(() => document.readyState), 'loading');
  assert.ok(await page.locator('article').count() < 135);
  assert.equal(await page.locator(`#${late}`).count(), 0, 'it is not read yet');
  await press(page, 'n');
  const early = await page.evaluate(() => document.activeElement.id);
  assert.ok(early.startsWith('F-'));
  await press(page, 'r', '4');
  assert.deepEqual(await ids(), [early]);
  assert.equal(await count(page), '1 of 135 decided');
  await page.getByRole('button', { name: 'Export decisions' }).click();
  assert.equal(await page.locator('dialog').count(), 0);
  assert.match(await page.locator('.bar .wrong').textContent(), /still being read/);
  await page.waitForFunction(() => document.querySelector('.bar .kept').textContent.startsWith('Draft saved'));
  slow.through();
  await settled(page);
  assert.deepEqual(await ids(), [early, late], 'what was decided before is kept beside it');
  assert.equal(await count(page), '2 of 135 decided');
  const file = JSON.parse((await exported(page, 'JSON')).text);
  assert.deepEqual(file.decisions.map(one => [one.finding, one.reason_code]), [[early, 'weak_evidence'], [late, 'agreed_exception']]);
  assert.equal(file.undecided.length, 133);

  await begin();
  slow.through();
  await settled(page);
  assert.deepEqual(await ids(), [early, late], 'and after another visit');
  slow.close();
  await visit.end();
});

test('a packet of many proposals is decided line by line', async t => {
  const visit = await Visit.of();
  const job = new Job();
  const rows = Array.from({ length: 2_100 }, (_, n) => ({
    Id: `00QZZ${String(n).padStart(10, '0')}`, FirstName: `A${n}`, LastName: `B${n}`, Company: `C${n}`, Status: 'Open',
    CreatedDate: '2026-11-10', LastModifiedDate: '2026-11-20', IsConverted: 'false',
  }));
  job.put('exports/Lead.csv', grown(job.text('exports/Lead.csv'), rows));
  job.run();
  const page = await visit.read(job.packet());
  const all = await page.locator('.l').count();
  assert.ok(all > 2_000);
  const last = await page.evaluate(() => `#${[...document.querySelectorAll('.l')].at(-1).id}`);
  assert.equal(await page.locator('.ask').count(), 0, 'controls are made when a line opens');
  await page.evaluate(at => { location.hash = at; }, last);
  await page.waitForFunction(at => document.activeElement === document.querySelector(at), last);
  await press(page, 'r', '4');
  assert.match(await page.locator(`${last} .chip`).textContent(), /Rejected, the evidence is weak/);
  const file = await exported(page, 'JSON');
  job.put('week.json', file.text);
  assert.match(job.call('decide', 'week.json').out, /0 approved, 1 rejected, 0 escalated;/);

  await t.test('what does not fit is hidden, and what fits takes no more room than it needs', async () => {
    await page.locator('.filters').getByLabel('Search').fill('b77');
    await page.waitForFunction(() => document.querySelector('.tally').textContent.includes(' of '));
    await settled(page);
    const found = await page.evaluate(() => [...document.querySelectorAll('[data-proposal]')].filter(one => !one.closest('[hidden]')).map(one => one.textContent.toLowerCase()));
    assert.ok(found.length > 10 && found.length < all / 4 && found.every(text => text.includes('b77')), `${found.length} found`);
    assert.match(await page.locator('.tally').textContent(), new RegExp(`^${found.length} of `));
    const height = await page.locator('#queue').evaluate(one => one.offsetHeight);
    assert.ok(height < found.length * 60 + 3_000, `${found.length} lines take ${height} px`);
    await page.locator('.filters').getByLabel('Search').fill('expand');
    await page.waitForFunction(() => document.querySelector('.tally').textContent.startsWith('0 of '), null, { timeout: 5_000 });
    await press(page, 'Escape', 'Escape');
    await page.waitForFunction(() => !document.querySelector('.tally').textContent.includes(' of '));
    assert.equal(await shown(page), all);
  });

  await t.test('paper shows what is asked for, though it is not all shown yet', async () => {
    const visible = await page.evaluate(() => {
      const form = document.querySelector('.filters');
      form.elements.rule.value = 'OWN-02';
      form.elements.rule.dispatchEvent(new Event('change', { bubbles: true }));
      dispatchEvent(new Event('beforeprint'));
      return [...document.querySelectorAll('[data-proposal]')].filter(one => !one.closest('[hidden]')).map(one => one.dataset.proposal.split(' ')[2]);
    });
    assert.ok(visible.length > 2_000 && visible.every(rule => rule === 'OWN-02'));
    await page.getByRole('button', { name: 'Clear filters' }).click();
    assert.equal(await shown(page), all);
  });

  await t.test('hundreds are decided and undone in one step, and stay lines', async () => {
    const group = await page.evaluate(() => {
      const of = one => one.dataset.proposal.split(' ')[7];
      const sizes = new Map();
      for (const one of document.querySelectorAll('.l')) if (of(one) !== '-') sizes.set(of(one), (sizes.get(of(one)) || 0) + 1);
      const [same] = [...sizes].sort(([, a], [, b]) => b - a)[0];
      return `#${[...document.querySelectorAll('.l')].find(one => of(one) === same).id}`;
    });
    await page.evaluate(at => { location.hash = at; }, group);
    await page.waitForFunction(at => document.activeElement === document.querySelector(at), group);
    await press(page, 'x');
    await page.locator('.bulk').getByRole('button', { name: /^Select all/ }).click();
    const many = parseInt((await page.locator('.bulk b').textContent()).replace(',', ''), 10);
    assert.ok(many > 1_000, `${many} alike`);
    await page.locator('.bulk').getByRole('button', { name: 'Reject' }).click();
    const box = page.locator('dialog');
    await box.getByLabel('One reason for all').selectOption('agreed_exception');
    await box.getByLabel(/^Type /).fill(String(many));
    await box.getByRole('button', { name: /^Reject/ }).click();
    await page.waitForFunction(many => document.querySelectorAll('[data-decided=reject] .chip').length === many + 1, many);
    assert.equal(await page.locator('.l.wide[data-decided=reject]').count(), 0);
    await press(page, 'z');
    await page.waitForFunction(() => document.querySelectorAll('[data-decided]').length === 1);
    assert.equal(await page.locator('.l.wide').count(), 0, 'none opens by that');
  });
  assert.deepEqual([visit.said, visit.asked], [[], []]);
  await visit.end();
});

test('two records stand beside each other once, with what each agreement is worth', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const at = await card(page, 'DUP-02');
  assert.equal(await page.locator(`${at} table:not(.ev)`).count(), 1);
  const number = text => Number(text.replace('\u2212', '-').replace('+', ''));
  const bits = (await page.locator(`${at} .wt tbody .n`).allTextContents()).map(number);
  const sum = number(await page.locator(`${at} .wt tfoot .n`).textContent());
  assert.ok(bits.length > 5 && bits[0] < 0 && sum > 0);
  assert.ok(Math.abs(bits.reduce((a, b) => a + b) - sum) < 0.005, `${bits} is not ${sum}`);
  const cells = async name => (await page.locator(`${at} .wt tr:has(th bdi:text-is("${name}")) :is(td)`).allTextContents()).slice(0, 4);
  const [left, right, says, worth] = await cells('last name');
  assert.notEqual(left, right);
  assert.match(says, /^last names a slip of the keyboard apart; lower case$/);
  assert.ok(number(worth) > 5);
  assert.equal((await cells('status')).length, 3, 'what is not weighed has no bits');
  const inside = await page.locator(`${at} .wt svg`).evaluateAll(all => all.every(one => {
    const [frame, bar] = [one.getBoundingClientRect(), one.querySelector('rect').getBoundingClientRect()];
    const cell = one.parentElement.getBoundingClientRect();
    return bar.left >= frame.left - 1 && bar.right <= frame.right + 1 && frame.right <= cell.right + 1;
  }));
  assert.ok(inside, 'no bar is cut off');
  await visit.end();
});

test('a comparison is seen whole, however long the name of its file', async () => {
  const visit = await Visit.of();
  const job = new Job();
  const name = 'crm-exports-of-all-leads-and-of-what-became-of-them-2026-11-22.csv';
  job.put(`exports/${name}`, job.text('exports/Lead.csv'));
  job.put('review.toml', job.text('review.toml').replace('"Lead.csv"', `"${name}"`));
  const page = await visit.read(job.run().packet());
  const hidden = await page.evaluate(name => {
    const tables = [...document.querySelectorAll('.sc:has(.cmp)')].filter(one => one.textContent.includes(name));
    return [tables.length > 3, tables.filter(one => one.scrollWidth > one.clientWidth + 1).length];
  }, name);
  assert.deepEqual(hidden, [true, 0]);
  await visit.end();
});

test('a damaged copy is known as one, and without its script it can be read', async () => {
  const visit = await Visit.of();
  const job = acme.copy();
  const whole = readFileSync(job.packet(), 'utf8');
  job.put('altered.html', whole.replace(' held DUP-01 ', ' free DUP-01 '));
  let page = await visit.read(job.packet());
  await page.waitForFunction(() => document.querySelector('#self-check').textContent.startsWith('Passed'));
  page = await visit.read(`${job.path}/altered.html`);
  await page.waitForFunction(() => document.querySelector('main').textContent.startsWith('This copy is damaged'));
  await page.getByRole('button', { name: 'Export decisions' }).click();
  assert.equal(await page.locator('dialog').count(), 0);
  assert.match(await page.locator('#self-check').textContent(), /^Failed/);
  assert.deepEqual(visit.said, []);
  job.put('cut.html', whole.slice(0, whole.length * 0.6));
  job.put('garbled.html', whole.replace(/(data-proposal="\S+) held DUP-01 \w+ new 1 \d+/, '$1 h\u0113ld DUP-\u0113 m n x 99'));
  for (const name of ['cut', 'garbled']) {
    page = await visit.read(`${job.path}/${name}.html`);
    assert.ok((await page.locator('main').textContent()).startsWith('This copy is damaged'), name);
    await press(page, 'n');
    assert.ok((await page.evaluate(() => document.activeElement.id)).startsWith('F-'), 'it can be read');
    assert.deepEqual(visit.said, [], name);
  }
  for (const copy of [whole.replace("'use strict'", "'use  strict'"), whole.replace(/<script>[^]*<\/script>/, '').replace(/<style>[^]*<\/style>/, '')]) {
    job.put('script.html', copy);
    page = await visit.open(`${job.path}/script.html`);
    assert.equal(await page.locator('article').count(), 135);
    assert.equal(await page.locator('button, select, input').count(), 0, 'no dead control');
    assert.ok((await page.evaluate(() => document.body.innerText)).includes('End of packet, 135 proposals'));
  }
  await visit.end();
});

test('a copy that was saved after it was opened says so, and decides nothing', async () => {
  const visit = await Visit.of();
  const job = acme.copy();
  let page = await visit.read(job.packet());
  const owner = await card(page, 'OWN-01');
  await page.evaluate(at => document.querySelector(at).focus(), owner);
  await press(page, 'r', '2');
  await page.locator('.filters').getByLabel('Family').selectOption('owners');
  await settled(page);
  const nameless = await Visit.of();
  job.put('saved.html', `<!DOCTYPE html>${await page.evaluate(() => document.documentElement.outerHTML)}`);
  page = await nameless.open(`${job.path}/saved.html`);
  await page.waitForFunction(() => /saved/.test(document.querySelector('#self-check').textContent));
  await settled(page);
  for (const at of ['.bar', 'main']) assert.match(await page.locator(at).innerText(), /a copy that was saved after the packet was opened.*Open the packet itself/i, at);
  assert.equal(await page.locator('.bar').count(), 1);
  assert.equal(await page.locator('[data-decided], .verdicts, .chip').count(), 0, 'no decision that is not in it');
  assert.equal(await page.getByRole('button', { name: 'Export decisions' }).count(), 0);
  assert.equal(await page.locator(`${owner} .out`).count(), 1);
  assert.equal(await shown(page), 135);
  assert.equal(await page.locator('.rail a[href="#owners"] .c').textContent(), '23');
  await page.evaluate(at => document.querySelector(at).focus(), owner);
  await press(page, 'r', 'e', 'a', 'o');
  assert.ok(await page.locator(`${owner}.shut`).count(), 'it can be read');
  assert.equal(await page.locator('[data-decided]').count(), 0);
  await nameless.end();
  await visit.end();
});

test('a packet without proposals checks itself too, in the colours that were chosen', async () => {
  const visit = await Visit.of();
  const job = new Job();
  // Nothing was changed this week, and what is proposed of other records is switched off.
  job.put('review.toml', `${job.text('review.toml')}\n[checks]\noff = ["BAT-06", "SOR-05", "OWN-09"]\n`);
  job.run('2030-11-23');
  let page = await visit.read(acme.packet());
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByLabel('Colours').selectOption('dark');
  page = await visit.read(job.packet('packet.html', '2030-11-23'));
  assert.match(await page.locator('#queue').textContent(), /found nothing to propose/);
  assert.match(await page.locator('#self-check').textContent(), /^Passed.*no proposals/);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  assert.equal(await page.locator('.bar, article').count(), 0, 'there is nothing to decide');
  assert.deepEqual(visit.said, []);
  await visit.end();
});

test('printed, no card splits, every proposal is there with boxes to tick, and decisions are words', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const owner = await card(page, 'OWN-01');
  await page.locator(`${owner} button`, { hasText: 'Reject' }).click();
  await page.locator(`${owner} .list button`).nth(1).click();
  await page.emulateMedia({ media: 'print' });
  const text = await page.evaluate(() => document.body.innerText);
  assert.match(await page.locator(`${owner} .said`).innerText(), /^Rejected, an agreed exception/);
  assert.ok(await page.locator(`${owner} .bd`).isVisible(), 'evidence of a folded card is printed');
  assert.equal(text.match(/Escalate\n/g).length >= 134, true);
  assert.equal(await page.locator('button:visible, select:visible').count(), 0);
  const sheet = (297 - 26) / 25.4 * 96;
  const broken = await page.evaluate(sheet => [...document.querySelectorAll('.card')].filter(one => getComputedStyle(one).breakInside !== 'avoid' && one.offsetHeight < sheet).map(one => one.id), sheet);
  assert.deepEqual(broken, [], 'only what is longer than a page may break');
  assert.equal(await page.locator('.ref > :not(summary):visible').count(), 0, 'what is for looking up stays shut');
  assert.ok(await page.locator('.card .d > .tr').first().isVisible(), 'what belongs to the evidence does not');
  const pdf = await page.pdf({ format: 'A4', path: `${acme.path}/packet.pdf` });
  const pages = pdf.toString('latin1').match(/\/Type\s*\/Page\b/g).length;
  // Seven proposals take three pages at most.
  assert.ok(pages > 10 && pages * 7 < 3 * 135, `${pages} pages`);
  await visit.end();
});

test('printed, a decision that is not complete has its boxes and nothing lies on them', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  const held = await card(page, 'DUP-01');
  await page.locator(`${held} button`, { hasText: 'Escalate' }).click();
  assert.equal(await stateOf(page, held), 'open');
  await page.emulateMedia({ media: 'print' });
  assert.match(await page.locator(`${held} .paper`).innerText(), /Evidence checked\s+Approve\s+Reject\s+Escalate/);
  assert.equal(await page.locator(`${held} .said`).isVisible(), false);
  assert.match(await page.locator(`${held} .chip`).innerText(), /^Not complete/);
  await visit.end();
});

test('in the colours of the system what is chosen is told from what is not', async () => {
  const visit = await Visit.of({ forcedColors: 'active' });
  const page = await visit.read(acme.packet());
  const owner = await card(page, 'OWN-01');
  await page.locator(`${owner} button`, { hasText: 'Reject' }).click();
  await page.locator(`${owner} .list button`).nth(1).click();
  await page.locator(`${await card(page, 'OWN-02')} button`, { hasText: 'Escalate' }).click();
  await page.locator(`${owner} .out button`).click();
  await page.mouse.move(0, 0);
  const paint = at => page.locator(at).evaluateAll(parts => parts.map(part => getComputedStyle(part).backgroundColor));
  for (const among of ['.verdicts', '.list']) {
    const [chosen, ...more] = await paint(`${owner} ${among} button[aria-pressed=true]`);
    const others = await paint(`${owner} ${among} button[aria-pressed=false]`);
    assert.ok(others.length && !more.length && !others.includes(chosen), `${among}: ${chosen} among ${others}`);
  }
  const parts = await paint('.segments > *');
  assert.equal(parts.length, 3);
  assert.equal(new Set(parts).size, 3, parts.join(' '));
  await visit.end();
});

test('no accessibility fault in any state', async t => {
  const visit = await Visit.of();
  const job = new Job();
  // Fewer cards, of which there is every kind, as every state looks at all of them.
  job.put('review.toml', job.text('review.toml').replace('changed_within_days = 30', 'changed_within_days = 5'));
  job.run();
  const page = await visit.read(job.packet());
  const clean = async (name, at = page, but) => t.test(name, async () => assert.deepEqual(await faults(at, but), []));
  const focus = kind => page.evaluate(kind => [...document.querySelectorAll('[data-proposal]')]
    .find(one => one.dataset.proposal.split(' ')[1] === kind && !one.dataset.decided).focus(), kind);
  await clean('initial');
  await focus('held');
  await press(page, 'a');
  await clean('held open');
  await press(page, 'c');
  await focus('free');
  await press(page, 'r');
  await clean('reject open');
  await press(page, '2');
  await focus('ask');
  await press(page, 'e');
  await clean('escalate open');
  await press(page, '3');
  await clean('decided');
  await page.locator('.filters').getByLabel('Family').selectOption('owners');
  await clean('filtered');
  await page.getByLabel('Search').fill('zzzz');
  await page.waitForFunction(() => !document.querySelector('p.none[hidden]'));
  await clean('empty');
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.evaluate(() => [...document.querySelectorAll('[data-proposal]')]
    .find(one => one.dataset.proposal.split(' ')[7] !== '-' && !one.dataset.decided).focus());
  await press(page, 'x');
  await clean('selection');
  await page.locator('.bulk button', { hasText: 'Reject' }).click();
  await clean('bulk');
  await press(page, 'Escape', 'Escape');
  await page.getByRole('button', { name: 'Export decisions' }).click();
  await clean('export');
  await press(page, 'Escape');
  await page.getByRole('button', { name: 'More' }).click();
  await clean('more');
  await press(page, 'Escape');
  await more(page, 'Import decisions');
  await clean('import');
  await press(page, 'Escape', '?');
  await clean('help');
  await press(page, 'Escape');
  await page.emulateMedia({ colorScheme: 'dark' });
  await clean('dark');
  await focus('free');
  await press(page, 'r');
  await clean('dark, deciding');
  await page.emulateMedia({ colorScheme: 'light', media: 'print' });
  // On paper nothing is pointed at.
  await clean('print', page, { 'target-size': { enabled: false } });
  await page.emulateMedia({ colorScheme: 'light', media: 'screen' });
  for (const width of [360, 320]) {
    await page.setViewportSize({ width, height: 740 });
    await clean(`${width} px`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} px scrolls sideways`);
  }
  await page.setViewportSize({ width: 1360, height: 900 });
  job.put('reading.html', readFileSync(job.packet(), 'utf8').replace(/<script>[^]*<\/script>/, ''));
  const plain = await visit.open(`${job.path}/reading.html`);
  await clean('without a script', plain);
  await visit.end();
});

test('single keys can be switched off, and stay off', async () => {
  const visit = await Visit.of();
  const page = await visit.read(acme.packet());
  await press(page, '?');
  await page.getByLabel('Shortcut keys are on').uncheck();
  await press(page, 'Escape');
  await page.reload();
  await settled(page);
  const owner = await card(page, 'OWN-01');
  await page.evaluate(at => document.querySelector(at).focus(), owner);
  await press(page, 'r', 'x', 'j');
  assert.equal(await stateOf(page, owner), null);
  assert.equal(await page.evaluate(() => document.activeElement.id), owner.slice(1));
  await visit.end();
});
