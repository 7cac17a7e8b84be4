"""What an emulated board is made of: files of Debian and of the Python Package Index, by version and hash.

Debian 12 for arm64 as the board's system, QEMU 10 from its backports for this machine (QEMU 7.2 crashes
LiteRT 2.2 and later while it reads the host's list of processors), and the wheels for aarch64.
"""

from dataclasses import dataclass

VERSION = "1"  # another one with every change of this file: it names the folder in the cache
DEBIAN = ("http://deb.debian.org/debian", "http://snapshot.debian.org/archive/debian/20261115T000000Z")
QEMU_MEMBER = "usr/bin/qemu-aarch64"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A file of Debian's archive: its path there and its SHA-256."""

    path: str
    sha256: str


QEMU = Package(
    path="pool/main/q/qemu/qemu-user_10.0.2+ds-2+deb13u1~bpo12+1_amd64.deb",
    sha256="10a2dec99f2b2d0b1097ff0375aea35b89322d6631fc96700511b02e05bf6fef",
)
SYSTEM = tuple(
    Package(path=f"pool/main/{path}_arm64.deb", sha256=sha256)
    for path, sha256 in (
        (
            "p/python3.11/python3.11-minimal_3.11.2-6+deb12u8",
            "6a07dd571f1a15af2f855d64571766fe44b73a57cc3b5ca79502bc89156a5e12",
        ),
        (
            "p/python3.11/libpython3.11-minimal_3.11.2-6+deb12u8",
            "c48bac178c0fc43a2bf8ace784c762b5ee83e2b981894a991dc3ccfd3ec7cd4b",
        ),
        (
            "p/python3.11/libpython3.11-stdlib_3.11.2-6+deb12u8",
            "e79876de55c6c2dca10d044b2fa69ccd863950ea01714220c1982d16008105f9",
        ),
        (
            "g/glibc/libc6_2.36-9+deb12u14",
            "01f4330719fd4f65580e16ea5a0527f372fca750e8f588d26deaf09f2d3b1cf4",
        ),
        (
            "g/gcc-12/libgcc-s1_12.2.0-14+deb12u1",
            "576926b283613db80168ddf76380a3bd877602778cf0d226caa7bfbfa71eacf3",
        ),
        (
            "g/gcc-12/libstdc++6_12.2.0-14+deb12u1",
            "26e138c677a985775331373828a6c286c551ff397cb735d00e2383cb273d1cb2",
        ),
        (
            "z/zlib/zlib1g_1.2.13.dfsg-1",
            "52b8b8a145bbe1956bba82034f77022cbef0c3d0885c9e32d9817a7932fe1913",
        ),
        (
            "e/expat/libexpat1_2.5.0-1+deb12u2",
            "8dc1976735acf825e3a922d82f171e20feec7394da2b8c616091983e38706275",
        ),
        (
            "libf/libffi/libffi8_3.4.4-1",
            "80b5c36177dc0e29d531c7eddbed3cc7355cb490e49f8cfa5959572d161f27b3",
        ),
        (
            "b/bzip2/libbz2-1.0_1.0.8-5+b1",
            "d3a96ece03326498b39ff093a76800dfcbcb1d4049d6ae6e9f6fa1aa7a590ad6",
        ),
        (
            "x/xz-utils/liblzma5_5.4.1-1+deb12u1",
            "647ce9d81e41c30071ce6ac0d3324579216a33aaa1d28971d6952315f6a95a75",
        ),
    )
)
WHEELS = {
    "ai-edge-litert==2.3.0": "853fc608f96da87bd5f3458465dfb9abbf18d5ae6b94eceacead407146f175ae",
    "numpy==2.4.6": "0ab0a9c4ffb1a6d95ef519fe4247dba8eb6b18ad93999f76b7f657039acabd47",
}
PIP_PLATFORMS = ("manylinux_2_27_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64")

# QEMU's name of the processor, by the name of the board. Of the parts, the first two trap on the int8 dot
# product, as the real ones do; the third has it.
PROCESSORS = {
    "pi-zero-2w": "cortex-a53",
    "pi3": "cortex-a53",
    "pi4": "cortex-a72",
    "pi5": "cortex-a76",
    "coral-dev-board": "cortex-a53",
    "android-a55": "cortex-a55",
    "android-a76": "cortex-a76",
}
