// Nothing that a CRM, its people or its rules are called changes the packet but for the text it says.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { after, test } from 'node:test';

import { Job, Visit, close, grown, vectors } from './driver.mjs';

after(close);

/** Every vector is a person, a company, an owner, a team and a source; more from the folder VECTORS, by hand, if not too long for a name. */
const all = [...vectors(), ...(process.env.VECTORS ? readdirSync(process.env.VECTORS).flatMap(name => readFileSync(`${process.env.VECTORS}/${name}`, 'utf8').split('\n').filter(line => line && line.length <= 80)) : [])];

function hostile() {
  const job = new Job();
  const clean = text => text.replaceAll('\0', '');
  const rows = all.map((vector, n) => ({
    Id: `00QVV${String(n).padStart(10, '0')}`, FirstName: clean(vector), LastName: clean(vector), Company: clean(vector), Title: clean(vector),
    OwnerId: n % 2 ? `0055v${String(n).padStart(10, '0')}` : '', Status: 'Open', LeadSource: clean(vector), City: clean(vector),
    Segment__c: clean(vector), Country: clean(vector), Email: `v${n % 5}@vectors.example`, CreatedDate: '2026-11-10', LastModifiedDate: '2026-11-20', IsConverted: 'false',
  }));
  const users = all.map((vector, n) => ({ Id: `0055v${String(n).padStart(10, '0')}`, Name: clean(vector), Department: clean(vector), IsActive: 'false', 'UserRole.Name': clean(vector) }));
  job.put('exports/Lead.csv', grown(job.text('exports/Lead.csv'), rows));
  job.put('exports/User.csv', grown(job.text('exports/User.csv'), users));
  const review = job.text('review.toml').replace('organisation = "Acme Instruments"', `organisation = '<script>window.hit=1</script>'`);
  job.put('review.toml', `${review}\n[packet]\nslices = "owner"\nmask_key = "</main><script>window.hit=1</script>"\n`);
  const routing = job.text('rules/routing.toml').replace(/^name = "[^"]*"/m, `name = "<img src=x onerror=window.hit=1>\\u202e"`);
  job.put('rules/routing.toml', routing);
  return job.run();
}

test('names, owners, ids, rules and organisations are text and nothing else', async () => {
  const job = hostile();
  const pages = ['packet.html', 'masked.html', ...readdirSync(`${job.path}/runs/2026-11-23`).filter(name => /^owner-.*html$/.test(name)).slice(0, 12)];
  for (const name of pages) {
    const visit = await Visit.of();
    const html = readFileSync(job.packet(name), 'utf8');
    assert.ok(!/[\u202a-\u202e\u2066\u2067\u200b\u200e\u200f\ufeff\u00ad]/.test(html), `${name}: a character that is not seen`);
    const page = await visit.read(job.packet(name));
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(() => globalThis.hit), undefined, name);
    assert.equal(await page.locator('main script, main img, main iframe, main base, main form, main template, main style, main [onerror], main [onload]').count(), 0, name);
    assert.ok(await page.evaluate(() => [...document.querySelectorAll('[href]')].every(one => /^(#|https:\/\/acme-instruments\.my\.salesforce\.com\/)/.test(one.getAttribute('href')))), name);
    await page.locator('.filters .more').evaluateAll(all => { for (const one of all) one.open = true; });
    for (const select of await page.locator('.filters select').all()) {
      const values = await select.locator('option').evaluateAll(options => options.map(one => one.value));
      await select.selectOption({ index: values.length - 1 });
      await select.selectOption({ index: 0 });
    }
    await page.locator('.filters [name=text]').fill('<script>');
    await page.waitForTimeout(250);
    assert.equal(await page.evaluate(() => globalThis.hit), undefined, name);
    assert.deepEqual([visit.said, visit.asked], [[], []], name);
    await visit.end();
  }
});

test('an address cannot make the page do anything', async () => {
  const visit = await Visit.of();
  const job = new Job().run();
  for (const hash of ['#<img src=x onerror=window.hit=1>', '#text=%3Cscript%3Ewindow.hit=1%3C/script%3E', '#__proto__=x&constructor=y&owner=%00', '#%E0%A4%A', '#family=%22%3E%3Csvg%20onload=window.hit=1%3E']) {
    const page = await visit.read(job.packet(), hash);
    await page.waitForTimeout(200);
    assert.equal(await page.evaluate(() => globalThis.hit), undefined, hash);
  }
  assert.deepEqual([visit.said, visit.asked], [[], []]);
  await visit.end();
});
