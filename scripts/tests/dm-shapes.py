# SPDX-License-Identifier: GPL-2.0-or-later
"""dm-shapes.sh's I/O."""
import errno
import os
import random
import sys

from blockio import HUGE, PAGE, buffer, check, errno_of, queue_limit, status, what

SIZE = 8 << 20
OPERATIONS = int(os.environ.get("OPERATIONS", 40))


def lengths(dice, block):
    """The lengths of a request's segments."""
    kind = dice.randrange(10)
    if kind < 4:
        return [block * dice.randint(1, 32)]
    if kind < 7:
        return [block * dice.randint(1, 5) for _ in range(dice.randint(2, 40))]
    if kind < 9:
        return [(64 << 10) * dice.randint(1, 20) + block * dice.randint(0, 3)]
    return [dice.choice((1 << 20, 4 << 20)) + block * dice.randint(-1, 1)]


def buffers(dice, block, sizes):
    huge = dice.random() < 0.3
    return [buffer(n, block * dice.randrange(PAGE // block), huge) for n in sizes]


def one(dice, block, direct, cached, model):
    if dice.random() < 0.25:
        fd, sizes = cached, [dice.randint(1, 200000)]
        position = dice.randrange(SIZE - sizes[0])
        vectors = [buffer(sizes[0])]
    else:
        fd, sizes = direct, lengths(dice, block)
        position = block * dice.randrange((SIZE - sum(sizes)) // block)
        vectors = buffers(dice, block, sizes)
    end = position + sum(sizes)
    shape = f"{'direct' if fd == direct else 'buffered'} {sizes} at {position}"
    if dice.random() < 0.5:
        at = position
        for v in vectors:
            v[:] = model[at:at + len(v)] = dice.randbytes(len(v))
            at += len(v)
        check(os.pwritev(fd, vectors, position) == end - position, f"write of {shape}")
    else:
        check(os.preadv(fd, vectors, position) == end - position, f"read of {shape}")
        check(b"".join(vectors) == model[position:end], f"read of {shape}: wrong data")


def random_shapes(path, seed, model_file):
    name = os.path.basename(path)
    block = queue_limit(path, "logical_block_size")
    check(queue_limit(path, "dma_alignment") == block - 1, f"dma_alignment {queue_limit(path, 'dma_alignment')} for blocks of {block}")
    direct = os.open(path, os.O_RDWR | os.O_DIRECT)
    cached = os.open(path, os.O_RDWR)
    for where in (1, 4, block // 2):
        check(errno_of(os.preadv, direct, [buffer(block, where)], 0) == errno.EINVAL, f"a buffer at offset {where} is taken")
    dice = random.Random(int(seed))
    model = bytearray(SIZE)
    whole = buffer(4 << 20, 0, True)
    for position in range(0, SIZE, 4 << 20):
        os.pwritev(direct, [whole], position)
    reads = int(status(name)[6])
    os.preadv(direct, [whole], 0)
    reads = int(status(name)[6]) - reads
    check(reads <= (4 << 20) // HUGE, f"a 4 MiB read into huge pages is {reads} bios")
    for _ in range(OPERATIONS):
        one(dice, block, direct, cached, model)
    os.fsync(cached)
    with open(model_file, "wb") as f:
        f.write(model)
    what(f"blocks of {block}: {OPERATIONS} shapes; 4 MiB in huge pages: {reads} bios")


def piece(dice, fd, model, offset):
    """A write and a read with buffers at offset after a page boundary, each crypto sector in as many pieces as that makes.
    Returns whether they were taken."""
    size = PAGE * dice.randint(1, 8)
    position = PAGE * dice.randrange((SIZE - size) // PAGE)
    data, back = buffer(size, offset), buffer(size, offset)
    data[:] = dice.randbytes(size)
    wrote = errno_of(os.pwritev, fd, [data], position)
    if not wrote:
        model[position:position + size] = data
    read = errno_of(os.preadv, fd, [back], position)
    for answer in (wrote, read):
        check(answer in (0, errno.EIO), f"offset {offset}: {os.strerror(answer)}")
    check(read or back == model[position:position + size], f"offset {offset}: wrong data")
    check(offset % 16 or not wrote + read, f"offset {offset}, which AES can take: write {wrote}, read {read}")
    return not wrote and not read


def pieces(path, seed, model_file):
    dice = random.Random(int(seed))
    fd = os.open(path, os.O_RDWR | os.O_DIRECT)
    model = bytearray(SIZE)
    for position in range(0, SIZE, 1 << 20):
        os.pwritev(fd, [model[position:position + (1 << 20)]], position)
    taken = {offset: piece(dice, fd, model, offset) for offset in (0, 16, 48, 512, 2048, 4080, 4, 8, 20, 1028)}
    with open(model_file, "wb") as f:
        f.write(model)
    what(f"through a SCSI target, sectors in two pieces: right at offsets {[o for o in taken if taken[o]]}, "
         f"EIO at {[o for o in taken if not taken[o]]}")


{"random": random_shapes, "pieces": pieces}[sys.argv[1]](*sys.argv[2:])
