// A dev node of its own for one test file: free port, temporary chain, its log in a file.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ApiPromise, WsProvider } from '@polkadot/api';

const READY_WITHIN_MS = 60_000;

/** The node's executable: $WEFT_NODE_BIN, or what `make build` left. */
function executable() {
    const path = process.env.WEFT_NODE_BIN ?? new URL('../../bin/weft-node', import.meta.url).pathname;
    if (!existsSync(path)) throw new Error(`${path} does not exist: run \`make build\`, or set WEFT_NODE_BIN`);
    return path;
}

/** A port nobody listens on now. */
function freePort() {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });
}

/** Starts a dev node and connects to it. `stop` ends both and removes what they left. */
export async function startDevNode() {
    const folder = mkdtempSync(join(tmpdir(), 'weft-js-'));
    const logPath = join(folder, 'node.log');
    const log = openSync(logPath, 'w');
    const port = await freePort();
    const args = ['--dev', '--base-path', join(folder, 'chain'), '--rpc-port', `${port}`, '--port', '0', '--no-prometheus'];
    const node = spawn(executable(), args, { stdio: ['ignore', log, log] });
    const exited = new Promise((resolve) => node.once('exit', resolve));
    const kill = () => node.kill('SIGKILL');
    process.once('exit', kill);

    let api;
    let timer;
    const stop = async () => {
        clearTimeout(timer);
        await api?.disconnect();
        kill();
        await exited;
        process.off('exit', kill);
        rmSync(folder, { recursive: true, force: true });
    };
    try {
        const late = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no answer within ${READY_WITHIN_MS} ms`)), READY_WITHIN_MS);
        });
        const died = exited.then((code) => Promise.reject(new Error(`the node ended with ${code}`)));
        const provider = new WsProvider(`ws://127.0.0.1:${port}`, 250);
        api = new ApiPromise({ provider, noInitWarn: true });
        await Promise.race([api.isReadyOrError.catch(() => api.isReady), late, died]);
        clearTimeout(timer);
        return { api, rpc: (method, ...params) => provider.send(method, params), stop };
    } catch (error) {
        const tail = readFileSync(logPath, 'utf8').split('\n').slice(-30).join('\n');
        await stop();
        throw new Error(`the dev node did not come up: ${error.message}\n${tail}`);
    }
}

/**
 * Signs and sends a transaction and waits until it is in a block.
 *
 * Resolves to its events and the block's hash; rejects with an error whose message is `pallet.ErrorName`.
 */
export function send(api, tx, signer) {
    return new Promise((resolve, reject) => {
        tx.signAndSend(signer, { nonce: -1 }, ({ status, events, dispatchError, isError }) => {
            if (dispatchError?.isModule) {
                const { section, name } = api.registry.findMetaError(dispatchError.asModule);
                reject(new Error(`${section}.${name}`));
            } else if (dispatchError) {
                reject(new Error(dispatchError.toString()));
            } else if (isError) {
                reject(new Error(`the pool refused it: ${status.type}`));
            } else if (status.isInBlock) {
                resolve({ block: status.asInBlock, events: events.map(({ event }) => event) });
            }
        }).catch(reject);
    });
}

/** The data of the one event `section.method` among `events`, by field name. */
export function only(events, section, method) {
    const found = events.filter((event) => event.section === section && event.method === method);
    if (found.length !== 1) {
        const seen = events.map((event) => `${event.section}.${event.method}`);
        throw new Error(`expected one ${section}.${method}, found ${found.length} among ${seen.join(', ')}`);
    }
    return found[0].data;
}
