"""CRC32c as RFC 9260, appendix A, has it, a bit at a time."""

REVERSED_POLYNOMIAL = 0x82F63B78


def crc32c(data: bytes) -> int:
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (REVERSED_POLYNOMIAL if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF
