// What a wallet, polkadot.js apps or a script of a user's own would do, against a real dev node.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Keyring } from '@polkadot/api';

import { only, send, startDevNode } from '../dev-node.js';

const UNIT = 10n ** 12n;
const bytes = (length, fill) => new Uint8Array(length).fill(fill);
// As text: @polkadot/api takes bytes for an optional argument to be its encoding.
const root = (fill) => `0x${fill.toString(16).padStart(2, '0').repeat(32)}`;
const raw = (fill) => ({ codec: 'Raw', sha256: bytes(32, fill) });

describe('a dev node and @polkadot/api', { timeout: 180_000 }, () => {
    let node;
    let api;
    let creator;
    let owner;
    let device;
    let user;
    const deviceKey = bytes(32, 0xd1);
    const freeOf = async (address) => (await api.query.system.account(address)).data.free.toBigInt();

    before(async () => {
        node = await startDevNode();
        api = node.api;
        const keyring = new Keyring({ type: 'sr25519', ss58Format: api.registry.chainSS58 });
        [creator, owner, device, user] = ['//Alice', '//Bob', '//Bob//device', '//Charlie'].map((uri) =>
            keyring.addFromUri(uri),
        );
    });
    after(() => node?.stop());

    test('everything in the metadata decodes', () => {
        const { registry, runtimeMetadata } = api;
        const { lookup, pallets } = runtimeMetadata.asLatest;
        let types = 0;
        for (const { id } of lookup.types) {
            const name = registry.createLookupType(id);
            assert.ok(registry.createType(name) !== undefined, `type ${id}`);
            types += 1;
        }
        assert.ok(types > 300, `only ${types} types`);

        let [calls, events, errors, entries, constants] = [0, 0, 0, 0, 0];
        const variants = (type) => lookup.getSiType(type.unwrap().type).def.asVariant.variants;
        for (const pallet of pallets) {
            const section = pallet.name.toString();
            if (pallet.calls.isSome) {
                for (const call of variants(pallet.calls)) {
                    for (const field of call.fields) registry.createType(registry.createLookupType(field.type));
                    calls += 1;
                }
            }
            if (pallet.events.isSome) {
                for (const event of variants(pallet.events)) {
                    for (const field of event.fields) registry.createType(registry.createLookupType(field.type));
                    events += 1;
                }
            }
            if (pallet.errors.isSome) {
                for (const error of variants(pallet.errors)) {
                    const { index } = pallet;
                    const module = registry.createType('DispatchErrorModule', { index, error: [error.index, 0, 0, 0] });
                    assert.equal(registry.findMetaError(module).name, error.name.toString());
                    errors += 1;
                }
            }
            for (const entry of pallet.storage.isSome ? pallet.storage.unwrap().items : []) {
                const value = entry.type.isPlain ? entry.type.asPlain : entry.type.asMap.value;
                // The fallback of an optional entry is no value but the byte of `None`.
                if (entry.modifier.isDefault) registry.createType(registry.createLookupType(value), entry.fallback);
                if (entry.type.isMap) registry.createType(registry.createLookupType(entry.type.asMap.key));
                entries += 1;
            }
            for (const constant of pallet.constants) {
                registry.createType(registry.createLookupType(constant.type), constant.value);
                constants += 1;
            }
            assert.ok(section.length > 0);
        }
        for (const [what, count, least] of [
            ['calls', calls, 50],
            ['events', events, 40],
            ['errors', errors, 60],
            ['storage entries', entries, 60],
            ['constants', constants, 40],
        ]) {
            assert.ok(count >= least, `only ${count} ${what}`);
        }
    });

    test('our pallets, RPC methods and runtime APIs are where clients look for them', async () => {
        for (const [section, methods] of Object.entries({
            market: ['publish', 'release', 'retire', 'grantKey', 'revokeKey', 'setEndpoint', 'buy', 'rate', 'report'],
            custody: ['register', 'openCustody', 'deal', 'release', 'disputeRelease', 'rotate', 'reshare'],
            pins: ['open', 'join', 'prove', 'leave', 'evict', 'close'],
            spaces: ['publish', 'release', 'buy', 'rate', 'report', 'takeDown', 'feature'],
            assets: ['create', 'mint', 'transfer'],
            providers: ['register', 'bond', 'unbond', 'withdrawUnbonded', 'offer', 'withdrawOffer', 'resume', 'pause'],
            jobs: ['post', 'releaseInput', 'cancel', 'commit', 'decline', 'expire'],
        })) {
            for (const method of methods) {
                const call = api.tx[section]?.[method];
                assert.ok(call, `${section}.${method}`);
                assert.ok(call.meta.docs.length > 0, `${section}.${method} is not documented`);
            }
        }
        const { methods } = (await node.rpc('rpc_methods'));
        for (const method of [
            'asset',
            'assets',
            'assetsByCreator',
            'work',
            'search',
            'licence',
            'lineage',
            'custody',
            'custodians',
            'pinDeals',
            'pinDealsAbout',
            'spaces',
            'provider',
            'offersForModel',
            'job',
            'jobsByUser',
        ]) {
            assert.ok(methods.includes(`weft_${method}`), `weft_${method}`);
        }
        assert.ok(api.call.jobsApi?.job && api.call.marketApi?.assets && api.call.providersApi?.offersForModel);
        const properties = await api.rpc.system.properties();
        assert.equal(properties.tokenSymbol.unwrap()[0].toString(), 'WEFT');
        assert.equal(properties.tokenDecimals.unwrap()[0].toNumber(), 12);
    });

    test('a transfer arrives to the unit', async () => {
        const before = await freeOf(device.address);
        const { events } = await send(api, api.tx.balances.transferKeepAlive(device.address, 10n * UNIT), user);
        const { amount } = only(events, 'balances', 'Transfer');
        assert.equal(amount.toBigInt(), 10n * UNIT);
        assert.equal(await freeOf(device.address), before + 10n * UNIT);
        assert.ok(only(events, 'transactionPayment', 'TransactionFeePaid').actualFee.toBigInt() > 0n);
    });

    test('publish, offer, post, answer: a job from beginning to receipt', async (t) => {
        let model;
        let job;
        const ask = 1_000_000n;

        await t.test('the creator publishes', async () => {
            const { events } = await send(
                api,
                api.tx.market.publish(
                    {
                        kind: 'TextModel',
                        name: 'a model',
                        manifest: raw(1),
                        content: raw(2),
                        sizeBytes: 4096,
                        keyCommitment: bytes(32, 3),
                        royalty: 50_000,
                        exactRoot: root(4),
                        piecesRoot: null,
                        records: null,
                        bases: [],
                    },
                    ['text'],
                    [],
                ),
                creator,
            );
            const published = only(events, 'market', 'Published');
            assert.equal(published.creator.toString(), creator.address);
            model = published.asset.toNumber();
            const { items, next } = await node.rpc('weft_assetsByCreator', creator.address, 0, 10);
            assert.equal(next, null);
            assert.deepEqual(items.map(({ id, name, exact_root }) => ({ id, name, exact_root })), [
                { id: model, name: 'a model', exact_root: root(4) },
            ]);
            const stored = (await api.query.market.assets(model)).unwrap();
            assert.equal(stored.published.royalty.toNumber(), 50_000);
            const { items: found } = await node.rpc('weft_search', { tag: 'text' }, 0, 10);
            assert.deepEqual(found.map(({ id, name, tags }) => ({ id, name, tags })), [
                { id: model, name: 'a model', tags: ['text'] },
            ]);
        });

        await t.test('a job without a provider is refused by name', async () => {
            const post = api.tx.jobs.post(model, raw(7), bytes(32, 8), 16, 16n * ask, 'Short', 'Exact', 'None');
            await assert.rejects(send(api, post, user), { message: 'jobs.NoProvider' });
        });

        await t.test('a provider registers with the consent of its device', async () => {
            const message = Buffer.concat([
                Buffer.from('weft/device-consent/v1'),
                api.genesisHash.toU8a(),
                owner.publicKey,
            ]);
            const consent = { Sr25519: device.sign(message) };
            const forged = { Sr25519: owner.sign(message) };
            const register = (signature) =>
                api.tx.providers.register(device.address, deviceKey, 'http://127.0.0.1:1', 1, signature);
            await assert.rejects(send(api, register(forged), owner), /^Error: providers\./);
            const { events } = await send(
                api,
                api.tx.utility.batchAll([
                    register(consent),
                    api.tx.providers.bond(100n * UNIT),
                    api.tx.providers.offer(model, ask),
                    api.tx.providers.resume(),
                ]),
                owner,
            );
            assert.equal(only(events, 'providers', 'Registered').owner.toString(), owner.address);
            const { items } = await node.rpc('weft_offersForModel', model, 0, 10);
            assert.deepEqual(items.map(({ provider, keyed, listed }) => ({ provider, keyed, listed })), [
                { provider: owner.address, keyed: false, listed: false },
            ]);
        });

        await t.test('with the key granted the offer is listed', async () => {
            const grant = (key) => api.tx.market.grantKey(model, owner.address, key, bytes(80, 5));
            await assert.rejects(send(api, grant(bytes(32, 1)), creator), { message: 'market.StaleEncryptionKey' });
            const { events } = await send(api, grant(deviceKey), creator);
            assert.equal(only(events, 'market', 'KeyGranted').provider.toString(), owner.address);
            const page = await api.call.providersApi.offersForModel(model, 0, 10);
            assert.deepEqual(page.items.map(({ listed }) => listed.isTrue), [true]);
        });

        await t.test('a price below the ask is refused by name', async () => {
            const post = api.tx.jobs.post(model, raw(7), bytes(32, 8), 16, 16n * ask / 2n, 'Short', 'Exact', 'None');
            await assert.rejects(send(api, post, user), { message: 'jobs.PriceBelowAsk' });
        });

        await t.test('the user posts and releases the input', async () => {
            const post = api.tx.jobs.post(model, raw(7), bytes(32, 8), 16, 20n * ask, 'Short', 'Exact', 'None');
            const { events } = await send(api, post, user);
            job = only(events, 'jobs', 'Posted').job.toNumber();
            const assigned = only(events, 'jobs', 'Assigned');
            assert.equal(assigned.provider.toString(), owner.address);
            assert.equal(assigned.device.toString(), device.address);
            assert.equal(assigned.attempt.toNumber(), 1);
            const release = api.tx.jobs.releaseInput(job, assigned.encryptionKey, bytes(80, 9));
            const { events: released } = await send(api, release, user);
            assert.equal(only(released, 'jobs', 'InputReleased').job.toNumber(), job);
        });

        await t.test('only the device may commit, and what is paid adds up', async () => {
            const commitWith = (trace) => api.tx.jobs.commit(job, raw(10), bytes(32, 11), bytes(80, 12), 10, trace, null);
            const commit = commitWith(root(13));
            await assert.rejects(send(api, commit, user), { message: 'jobs.NotAssignedToYou' });
            await assert.rejects(send(api, commitWith(null), device), { message: 'jobs.TraceRootMissing' });
            const before = await Promise.all([owner, creator].map(({ address }) => freeOf(address)));
            const { events } = await send(api, commit, device);
            const { reason, split } = only(events, 'jobs', 'Ended');
            assert.equal(reason.type, 'Completed');
            const [provider, royalty, treasury, refund] = ['provider', 'royalty', 'treasury', 'refund'].map((part) =>
                split[part].toBigInt(),
            );
            assert.equal(provider + royalty + treasury, 10n * ask);
            assert.equal(refund, 10n * ask);
            const after = await Promise.all([owner, creator].map(({ address }) => freeOf(address)));
            assert.deepEqual([after[0] - before[0], after[1] - before[1]], [provider, royalty]);
            await assert.rejects(send(api, commit, device), { message: 'jobs.AlreadyEnded' });
        });

        await t.test('the receipt reads the same by storage, runtime API and RPC', async () => {
            const stored = (await api.query.jobs.receipts(job)).unwrap();
            assert.equal(stored.reason.type, 'Completed');
            assert.equal(stored.usedTokens.toNumber(), 10);
            const called = (await api.call.jobsApi.job(job)).unwrap();
            assert.equal(called.state.asEnded.usedTokens.toNumber(), 10);
            const view = await node.rpc('weft_job', job);
            assert.equal(view.id, job);
            assert.equal(view.state.state, 'ended');
            assert.equal(view.arithmetic, 'exact');
            assert.equal(view.state.trace_root, root(13));
            assert.equal(stored.traceRoot.unwrap().toHex(), view.state.trace_root);
            assert.equal(view.state.split.provider, stored.split.provider.toString());
            const { items } = await node.rpc('weft_jobsByUser', user.address, 0, 10);
            assert.deepEqual(items.map(({ id }) => id), [job]);
            assert.equal(await node.rpc('weft_job', job + 1), null);
        });
    });
});
