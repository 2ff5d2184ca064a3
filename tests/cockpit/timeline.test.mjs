// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import test from "node:test";

import { DAY, HOUR, MINUTE, sessionOf } from "../../cockpit/model.js";
import { countsOf, entryOf, roundTimes, scaleOf, Timeline } from "../../cockpit/timeline.js";

const NOW = 20_000 * DAY;
const hour = (number) => NOW - number * HOUR;

function session(key, since, state = "active") {
    return sessionOf({ Key: { t: "t", v: key }, Since: { t: "t", v: since }, State: { t: "s", v: state } });
}

/** Returns an entry about a start, or about an end if it has a length. */
function entry(at, key, length = null, boot = "b2") {
    return { at, boot, key: String(key), length };
}

/** Returns the numbers of sessions in the middle of hours, which are given as hours before now. */
function numbers(timeline, hours) {
    const { start, end, peaks } = timeline.counts(NOW, 1440);
    return hours.map((each) => peaks[Math.floor(((hour(each) - start) / (end - start)) * peaks.length)]);
}

test("entries of the journal are read, and other lines are not", () => {
    const line = (fields) => JSON.stringify({ __REALTIME_TIMESTAMP: "5000000", _BOOT_ID: "b", SESSLIMIT_KEY: "7", ...fields });
    assert.deepEqual(entryOf(line({ SESSLIMIT_EVENT: "admitted" })), { at: 5e6, boot: "b", key: "7", length: null });
    assert.deepEqual(entryOf(line({ SESSLIMIT_EVENT: "released", SESSLIMIT_DURATION: "3" })),
        { at: 5e6, boot: "b", key: "7", length: 3e6 });
    assert.equal(entryOf(line({ SESSLIMIT_EVENT: "ended" })), null);
    assert.equal(entryOf(line({ SESSLIMIT_EVENT: "admitted", SESSLIMIT_KEY: null })), null);
    assert.equal(entryOf("null"), null);
    assert.equal(entryOf("-- Boot --"), null);
    assert.equal(entryOf(""), null);
});

test("sessions are counted from their start to their end", () => {
    const timeline = new Timeline();
    timeline.load([entry(hour(2), 1, 4 * HOUR), entry(hour(3), 2), entry(hour(6), 1), entry(hour(30), 9, HOUR)],
        [session(2, hour(3))]);
    assert.deepEqual(numbers(timeline, [7, 5, 2.5, 1]), [0, 1, 2, 1]);
    const { start, end, most, mostAt, last } = timeline.counts(NOW, 24);
    assert.deepEqual([start, end, most, mostAt, last], [NOW - DAY, NOW, 2, hour(3), 1]);
});

test("a session without a recorded start began before its end by its length", () => {
    const timeline = new Timeline();
    timeline.load([entry(hour(2), 1, 10 * HOUR), entry(hour(10), 2)], []);
    assert.equal(timeline.start, hour(10));
    assert.deepEqual(numbers(timeline, [9, 3, 1]), [1, 1, 0]);
});

test("an open session whose start the journal does not contain is counted from its login", () => {
    const timeline = new Timeline();
    timeline.load([entry(hour(20), 1, MINUTE)], [session(5, hour(100)), session(6, hour(4))]);
    assert.deepEqual(numbers(timeline, [19, 3]), [1, 2]);
});

test("a daemon that was restarted without its records adopts a session under another number", () => {
    const timeline = new Timeline();
    timeline.load([entry(hour(1), 8, 5 * HOUR), entry(hour(3), 8), entry(hour(6), 1)], []);
    assert.deepEqual(numbers(timeline, [5.5, 4, 2, 0.5]), [1, 1, 1, 0]);
});

test("a session of an earlier boot without an end lasted until the last entry of that boot", () => {
    const timeline = new Timeline();
    const before = [entry(hour(4), 7, MINUTE, "b1"), entry(hour(6), 5, null, "b1")];
    timeline.load([entry(hour(2), 5), ...before], [session(5, hour(2))]); // the number occurs in both boots
    assert.deepEqual(numbers(timeline, [5, 3, 1]), [1, 0, 1]);
});

test("left-behind and waiting sessions are not open", () => {
    const timeline = new Timeline();
    timeline.load([entry(hour(2), 1, HOUR)], [session(1, hour(3), "left-behind"), session(2, hour(1), "waiting")]);
    assert.equal(timeline.counts(NOW, 24).last, 0);
    timeline.load([entry(hour(2), 1, HOUR)], [session(1, hour(3))]); // the list was read before the session ended
    assert.equal(timeline.counts(NOW, 24).last, 0);
});

test("the timeline follows the list of sessions", () => {
    const timeline = new Timeline();
    timeline.load([entry(hour(3), 1)], [session(1, hour(3))]);
    assert.equal(timeline.follow([session(1, hour(3))], hour(2)), false);
    assert.equal(timeline.follow([session(2, hour(2))], hour(2)), true);
    assert.equal(timeline.follow([], hour(1)), true);
    assert.deepEqual(numbers(timeline, [2.5, 1.5, 0.5]), [1, 1, 0]);
});

test("without entries nothing is known", () => {
    const timeline = new Timeline();
    timeline.load([], [session(1, hour(3))]);
    assert.equal(timeline.counts(NOW, 24).start, Infinity);
});

test("the peak of each part includes sessions that were open before, and short ones", () => {
    const intervals = [{ from: -5, to: 15 }, { from: 2, to: 3 }, { from: 3, to: 4 }, { from: 25, to: 25 }, { from: 31, to: Infinity }];
    assert.deepEqual(countsOf(intervals, 0, 40, 4), { start: 0, end: 40, peaks: [2, 1, 0, 1], most: 2, mostAt: 2, last: 1 });
    assert.deepEqual(countsOf([], 0, 40, 2), { start: 0, end: 40, peaks: [0, 0], most: 0, mostAt: 0, last: 0 });
});

test("10,000 sessions are counted as by an exact comparison", () => {
    let seed = 1;
    const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
    const intervals = Array.from({ length: 10_000 }, () => {
        const from = random(2000);
        return { from, to: from + random(200) };
    });
    const { peaks, most } = countsOf(intervals, 500.5, 1500.5, 1000); // one part for each whole number
    const exact = Array.from({ length: 1000 }, (_value, at) =>
        Math.max(...[500 + at, 501 + at].map((time) => intervals.filter(({ from, to }) => from <= time && to > time).length)));
    assert.deepEqual(peaks, exact);
    assert.equal(most, Math.max(...exact));
});

test("scales have round numbers and at most five lines", () => {
    assert.deepEqual(scaleOf(0), [0, 1]);
    assert.deepEqual(scaleOf(3), [0, 1, 2, 3]);
    assert.deepEqual(scaleOf(7), [0, 2, 4, 6, 8]);
    assert.deepEqual(scaleOf(1001), [0, 500, 1000, 1500]);
    for (let number = 1; number < 3000; number += 7) {
        const scale = scaleOf(number);
        assert.ok(scale.length <= 5 && scale[scale.length - 1] >= number && scale[scale.length - 2] < number, String(number));
    }
});

test("times on the axis are round in the local time", () => {
    assert.deepEqual(roundTimes(NOW - DAY, NOW, 0).map((at) => (NOW - at) / HOUR), [24, 21, 18, 15, 12, 9, 6, 3, 0]);
    const india = roundTimes(NOW - DAY, NOW, 5.5 * HOUR);
    assert.ok(india.every((at) => (at + 5.5 * HOUR) % (3 * HOUR) === 0));
    assert.deepEqual(roundTimes(NOW - 7 * MINUTE, NOW, 0).length, 8);
    for (let length = MINUTE; length <= DAY; length += 11 * MINUTE) {
        const { length: number } = roundTimes(NOW - length, NOW, 0);
        assert.ok(number >= 2 && number <= 9, `${length / MINUTE}: ${number}`);
    }
});
