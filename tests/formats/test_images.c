/* SPDX-License-Identifier: Apache-2.0
 * PNG and JPEG.  The table holds, for each picture of the outside collection, the CRC-32 of its pixels as Pillow 13.0
 * gives them: numpy.asarray(Image.open(f).convert("RGB")) and convert("L"); of 16-bit grey the upper 8 bits. */
#include "formats/images.h"
#include "sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>

static const struct {
    const char *name;
    int width, height, channels; /* channels: of the file itself */
    uint32_t colour, grey;
} pictures[] = {
    {"jpeg_misc/exif-xmp-metadata.jpg", 5, 5, 3, 0xb6174a58, 0x8ab67e8a},
    {"jpeg_misc/iptc.jpg", 64, 48, 3, 0x5af37e35, 0xc064940e},
    {"jpeg_misc/portrait_2.jpg", 113, 150, 3, 0xb44bea3c, 0x26947c53},
    {"jpeg_misc/progressive_cat.jpg", 320, 240, 3, 0xa46a115b, 0x6c2a6f66},
    {"jpeg_misc/progressive_test.jpg", 32, 23, 3, 0xd8cf0e69, 0x64acd0e6},
    {"photos/bald_eagle.jpeg", 800, 600, 3, 0x4ccbacc9, 0xaea75b0c},
    {"photos/dog.jpg", 768, 576, 3, 0x5f07ed46, 0x863c3d2e},
    {"photos/eagle.jpg", 773, 512, 3, 0x383e7b61, 0x1fb4dc9a},
    {"photos/faces_1.jpg", 720, 478, 3, 0x4240420f, 0x33f9e345},
    {"photos/faces_12_angry_men.jpg", 1280, 720, 3, 0xa31b7634, 0xd8e55e61},
    {"photos/faces_16.jpg", 1024, 717, 3, 0x898f2bbd, 0x59778ff9},
    {"photos/faces_21.jpg", 1024, 768, 3, 0xeae08585, 0x30101f59},
    {"photos/horses.jpg", 773, 512, 3, 0xe594e6c9, 0xf4889b3b},
    {"photos/mnist_digit_0.jpg", 28, 28, 1, 0xf466b71c, 0x85b51aed},
    {"photos/mnist_digit_3.jpg", 28, 28, 1, 0x17667af8, 0xb10b43c5},
    {"photos/mnist_digit_5.jpg", 28, 28, 1, 0x915390ee, 0x1b0744a4},
    {"photos/mnist_digit_7.jpg", 28, 28, 1, 0x0fdbc0e3, 0x1831cc99},
    {"photos/pelican.jpeg", 500, 375, 3, 0x16545b48, 0x2ca3ff07},
    {"photos/person.jpg", 640, 424, 3, 0xb28af966, 0x61385f8f},
    {"pngsuite/basi0g01.png", 32, 32, 1, 0x1d8b1934, 0x7238c005},
    {"pngsuite/basi0g02.png", 32, 32, 1, 0xcce2e274, 0x74c9bbb5},
    {"pngsuite/basi0g04.png", 32, 32, 1, 0xe6edc27d, 0x03735de8},
    {"pngsuite/basi0g08.png", 32, 32, 1, 0x7e0a8ab4, 0x784b4a4e},
    {"pngsuite/basi0g16.png", 32, 32, 1, 0x72bbf403, 0x0611c324},
    {"pngsuite/basi2c08.png", 32, 32, 3, 0x7855b9bf, 0xd9fe67da},
    {"pngsuite/basi2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/basi3p01.png", 32, 32, 3, 0x31ec284b, 0xc485401b},
    {"pngsuite/basi3p02.png", 32, 32, 3, 0x279a463a, 0xb0a3f5b7},
    {"pngsuite/basi3p04.png", 32, 32, 3, 0x3a9e038e, 0xdac3b8a6},
    {"pngsuite/basi3p08.png", 32, 32, 3, 0xff6e2940, 0x8519c917},
    {"pngsuite/basi4a08.png", 32, 32, 1, 0xde73dab8, 0xbfc7e22b},
    {"pngsuite/basi4a16.png", 32, 32, 1, 0x74cda919, 0xb47fc40b},
    {"pngsuite/basi6a08.png", 32, 32, 3, 0xa9b0c6b5, 0x8960f024},
    {"pngsuite/basi6a16.png", 32, 32, 3, 0x54f0fb2e, 0xefaac8c4},
    {"pngsuite/basn0g01.png", 32, 32, 1, 0x1d8b1934, 0x7238c005},
    {"pngsuite/basn0g02.png", 32, 32, 1, 0xcce2e274, 0x74c9bbb5},
    {"pngsuite/basn0g04.png", 32, 32, 1, 0xe6edc27d, 0x03735de8},
    {"pngsuite/basn0g08.png", 32, 32, 1, 0x7e0a8ab4, 0x784b4a4e},
    {"pngsuite/basn0g16.png", 32, 32, 1, 0x72bbf403, 0x0611c324},
    {"pngsuite/basn2c08.png", 32, 32, 3, 0x7855b9bf, 0xd9fe67da},
    {"pngsuite/basn2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/basn3p01.png", 32, 32, 3, 0x31ec284b, 0xc485401b},
    {"pngsuite/basn3p02.png", 32, 32, 3, 0x279a463a, 0xb0a3f5b7},
    {"pngsuite/basn3p04.png", 32, 32, 3, 0x3a9e038e, 0xdac3b8a6},
    {"pngsuite/basn3p08.png", 32, 32, 3, 0xff6e2940, 0x8519c917},
    {"pngsuite/basn4a08.png", 32, 32, 1, 0xde73dab8, 0xbfc7e22b},
    {"pngsuite/basn4a16.png", 32, 32, 1, 0x74cda919, 0xb47fc40b},
    {"pngsuite/basn6a08.png", 32, 32, 3, 0xa9b0c6b5, 0x8960f024},
    {"pngsuite/basn6a16.png", 32, 32, 3, 0x54f0fb2e, 0xefaac8c4},
    {"pngsuite/bgai4a08.png", 32, 32, 1, 0xde73dab8, 0xbfc7e22b},
    {"pngsuite/bgai4a16.png", 32, 32, 1, 0x74cda919, 0xb47fc40b},
    {"pngsuite/bgan6a08.png", 32, 32, 3, 0xa9b0c6b5, 0x8960f024},
    {"pngsuite/bgan6a16.png", 32, 32, 3, 0x54f0fb2e, 0xefaac8c4},
    {"pngsuite/bgbn4a08.png", 32, 32, 1, 0xde73dab8, 0xbfc7e22b},
    {"pngsuite/bggn4a16.png", 32, 32, 1, 0x74cda919, 0xb47fc40b},
    {"pngsuite/bgwn6a08.png", 32, 32, 3, 0xa9b0c6b5, 0x8960f024},
    {"pngsuite/bgyn6a16.png", 32, 32, 3, 0x54f0fb2e, 0xefaac8c4},
    {"pngsuite/ccwn2c08.png", 32, 32, 3, 0x61b69e8e, 0xc2469173},
    {"pngsuite/ccwn3p08.png", 32, 32, 3, 0x2e1d8ef1, 0x61c05ad4},
    {"pngsuite/cdfn2c08.png", 8, 32, 3, 0x99af40a3, 0x8ee52672},
    {"pngsuite/cdhn2c08.png", 32, 8, 3, 0x84a4ef40, 0x5b4383f2},
    {"pngsuite/cdsn2c08.png", 8, 8, 3, 0x82b26daf, 0x6a4a60eb},
    {"pngsuite/cdun2c08.png", 32, 32, 3, 0xee50e3ca, 0xc6f96fa6},
    {"pngsuite/ch1n3p04.png", 32, 32, 3, 0x3a9e038e, 0xdac3b8a6},
    {"pngsuite/ch2n3p08.png", 32, 32, 3, 0xff6e2940, 0x8519c917},
    {"pngsuite/cm0n0g04.png", 32, 32, 1, 0xc6bd1a35, 0x0a65fde8},
    {"pngsuite/cm7n0g04.png", 32, 32, 1, 0xc6bd1a35, 0x0a65fde8},
    {"pngsuite/cm9n0g04.png", 32, 32, 1, 0xc6bd1a35, 0x0a65fde8},
    {"pngsuite/cs3n2c16.png", 32, 32, 3, 0x7306351c, 0x1fbb0bee},
    {"pngsuite/cs3n3p08.png", 32, 32, 3, 0xc47263e3, 0xc6570362},
    {"pngsuite/cs5n2c08.png", 32, 32, 3, 0x1b16d169, 0x3288d0fe},
    {"pngsuite/cs5n3p08.png", 32, 32, 3, 0x1b16d169, 0x3288d0fe},
    {"pngsuite/cs8n2c08.png", 32, 32, 3, 0x7306351c, 0x1fbb0bee},
    {"pngsuite/cs8n3p08.png", 32, 32, 3, 0x7306351c, 0x1fbb0bee},
    {"pngsuite/ct0n0g04.png", 32, 32, 1, 0xc6bd1a35, 0x0a65fde8},
    {"pngsuite/ct1n0g04.png", 32, 32, 1, 0xc6bd1a35, 0x0a65fde8},
    {"pngsuite/cten0g04.png", 32, 32, 1, 0x908fd2b2, 0x0fcc7d31},
    {"pngsuite/ctfn0g04.png", 32, 32, 1, 0x7f7a43a7, 0xd404c1f8},
    {"pngsuite/ctgn0g04.png", 32, 32, 1, 0x0ad1d3d6, 0x62d13ac8},
    {"pngsuite/cthn0g04.png", 32, 32, 1, 0xc461c896, 0xee9649e2},
    {"pngsuite/ctjn0g04.png", 32, 32, 1, 0x55390861, 0xebbc52d4},
    {"pngsuite/ctzn0g04.png", 32, 32, 1, 0xc6bd1a35, 0x0a65fde8},
    {"pngsuite/exif2c08.png", 32, 32, 3, 0x1a5022ef, 0xb9514c1a},
    {"pngsuite/f00n0g08.png", 32, 32, 1, 0x3f6b9bc5, 0x1f18265f},
    {"pngsuite/f00n2c08.png", 32, 32, 3, 0x3f1d66ad, 0x7889b57e},
    {"pngsuite/f01n0g08.png", 32, 32, 1, 0x0ff89d6c, 0x1868217f},
    {"pngsuite/f01n2c08.png", 32, 32, 3, 0x11c1b27e, 0x5a1dbc39},
    {"pngsuite/f02n0g08.png", 32, 32, 1, 0xa86b4c1d, 0x79b9c9de},
    {"pngsuite/f02n2c08.png", 32, 32, 3, 0x7f1ca785, 0x6da16ea4},
    {"pngsuite/f03n0g08.png", 32, 32, 1, 0x66de99f1, 0xa373c644},
    {"pngsuite/f03n2c08.png", 32, 32, 3, 0x31645d89, 0x5e7664d4},
    {"pngsuite/f04n0g08.png", 32, 32, 1, 0xf655bb7d, 0xb8006228},
    {"pngsuite/f04n2c08.png", 32, 32, 3, 0x77056a6f, 0x1ac7bf89},
    {"pngsuite/f99n0g04.png", 32, 32, 1, 0xd3026ad9, 0x3cffc235},
    {"pngsuite/g03n0g16.png", 32, 32, 1, 0xfb007f12, 0x2edcda2e},
    {"pngsuite/g03n2c08.png", 32, 32, 3, 0x3633021f, 0xe494f006},
    {"pngsuite/g03n3p04.png", 32, 32, 3, 0x7e90c30c, 0x46275aef},
    {"pngsuite/g04n0g16.png", 32, 32, 1, 0x4ed1b0ae, 0x62ce7fd3},
    {"pngsuite/g04n2c08.png", 32, 32, 3, 0xae824f12, 0x84c01d78},
    {"pngsuite/g04n3p04.png", 32, 32, 3, 0xe00f20f2, 0x6fd97197},
    {"pngsuite/g05n0g16.png", 32, 32, 1, 0x5e9dccd2, 0xfe5b6fec},
    {"pngsuite/g05n2c08.png", 32, 32, 3, 0x3c168b7d, 0x91b95713},
    {"pngsuite/g05n3p04.png", 32, 32, 3, 0xd0d3c65b, 0x6c046858},
    {"pngsuite/g07n0g16.png", 32, 32, 1, 0xef487e13, 0xe2d0cde8},
    {"pngsuite/g07n2c08.png", 32, 32, 3, 0x6d9b8873, 0xd4661d7d},
    {"pngsuite/g07n3p04.png", 32, 32, 3, 0x6f2e7b73, 0x8440c2af},
    {"pngsuite/g10n0g16.png", 32, 32, 1, 0xd03e6bc3, 0x64152946},
    {"pngsuite/g10n2c08.png", 32, 32, 3, 0xfa142827, 0xc8311998},
    {"pngsuite/g10n3p04.png", 32, 32, 3, 0x25aeef89, 0x737fd27c},
    {"pngsuite/g25n0g16.png", 32, 32, 1, 0x252f094b, 0x373059e8},
    {"pngsuite/g25n2c08.png", 32, 32, 3, 0xe5914131, 0x7213139a},
    {"pngsuite/g25n3p04.png", 32, 32, 3, 0x71c1b931, 0x3fbf95c3},
    {"pngsuite/oi1n0g16.png", 32, 32, 1, 0x72bbf403, 0x0611c324},
    {"pngsuite/oi1n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/oi2n0g16.png", 32, 32, 1, 0x72bbf403, 0x0611c324},
    {"pngsuite/oi2n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/oi4n0g16.png", 32, 32, 1, 0x72bbf403, 0x0611c324},
    {"pngsuite/oi4n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/oi9n0g16.png", 32, 32, 1, 0x72bbf403, 0x0611c324},
    {"pngsuite/oi9n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/pp0n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/pp0n6a08.png", 32, 32, 3, 0x7855b9bf, 0xd9fe67da},
    {"pngsuite/ps1n0g08.png", 32, 32, 1, 0x7e0a8ab4, 0x784b4a4e},
    {"pngsuite/ps1n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/ps2n0g08.png", 32, 32, 1, 0x7e0a8ab4, 0x784b4a4e},
    {"pngsuite/ps2n2c16.png", 32, 32, 3, 0xffcc1ed1, 0xfe8fdd1e},
    {"pngsuite/s01i3p01.png", 1, 1, 3, 0xd243369f, 0xb1048354},
    {"pngsuite/s01n3p01.png", 1, 1, 3, 0xd243369f, 0xb1048354},
    {"pngsuite/s02i3p01.png", 2, 2, 3, 0x9e931d85, 0x741b616c},
    {"pngsuite/s02n3p01.png", 2, 2, 3, 0x9e931d85, 0x741b616c},
    {"pngsuite/s03i3p01.png", 3, 3, 3, 0x6916380e, 0x054a3193},
    {"pngsuite/s03n3p01.png", 3, 3, 3, 0x6916380e, 0x054a3193},
    {"pngsuite/s04i3p01.png", 4, 4, 3, 0xc2e0d49b, 0x43d9f75f},
    {"pngsuite/s04n3p01.png", 4, 4, 3, 0xc2e0d49b, 0x43d9f75f},
    {"pngsuite/s05i3p02.png", 5, 5, 3, 0x1242b6fb, 0x910138de},
    {"pngsuite/s05n3p02.png", 5, 5, 3, 0x1242b6fb, 0x910138de},
    {"pngsuite/s06i3p02.png", 6, 6, 3, 0xd7589540, 0x2f9daf5f},
    {"pngsuite/s06n3p02.png", 6, 6, 3, 0xd7589540, 0x2f9daf5f},
    {"pngsuite/s07i3p02.png", 7, 7, 3, 0xd2ccf489, 0x3819f370},
    {"pngsuite/s07n3p02.png", 7, 7, 3, 0xd2ccf489, 0x3819f370},
    {"pngsuite/s08i3p02.png", 8, 8, 3, 0x2ba1b03e, 0x315a7e8d},
    {"pngsuite/s08n3p02.png", 8, 8, 3, 0x2ba1b03e, 0x315a7e8d},
    {"pngsuite/s09i3p02.png", 9, 9, 3, 0x9762d2ed, 0x76d0f2b2},
    {"pngsuite/s09n3p02.png", 9, 9, 3, 0x9762d2ed, 0x76d0f2b2},
    {"pngsuite/s32i3p04.png", 32, 32, 3, 0xad01f44d, 0x82e32349},
    {"pngsuite/s32n3p04.png", 32, 32, 3, 0xad01f44d, 0x82e32349},
    {"pngsuite/s33i3p04.png", 33, 33, 3, 0xd2f4ae68, 0x558a4c88},
    {"pngsuite/s33n3p04.png", 33, 33, 3, 0xd2f4ae68, 0x558a4c88},
    {"pngsuite/s34i3p04.png", 34, 34, 3, 0xbbeda3f7, 0x60a8117f},
    {"pngsuite/s34n3p04.png", 34, 34, 3, 0xbbeda3f7, 0x60a8117f},
    {"pngsuite/s35i3p04.png", 35, 35, 3, 0x99293acf, 0xec1f7501},
    {"pngsuite/s35n3p04.png", 35, 35, 3, 0x99293acf, 0xec1f7501},
    {"pngsuite/s36i3p04.png", 36, 36, 3, 0xf51a96e0, 0x438c12f3},
    {"pngsuite/s36n3p04.png", 36, 36, 3, 0xf51a96e0, 0x438c12f3},
    {"pngsuite/s37i3p04.png", 37, 37, 3, 0x920758a4, 0x2281437b},
    {"pngsuite/s37n3p04.png", 37, 37, 3, 0x920758a4, 0x2281437b},
    {"pngsuite/s38i3p04.png", 38, 38, 3, 0xeb3bf324, 0x50f5ad77},
    {"pngsuite/s38n3p04.png", 38, 38, 3, 0xeb3bf324, 0x50f5ad77},
    {"pngsuite/s39i3p04.png", 39, 39, 3, 0xc06d7da1, 0xd3cabb07},
    {"pngsuite/s39n3p04.png", 39, 39, 3, 0xc06d7da1, 0xd3cabb07},
    {"pngsuite/s40i3p04.png", 40, 40, 3, 0x0d4658a0, 0x4d0e0edb},
    {"pngsuite/s40n3p04.png", 40, 40, 3, 0x0d4658a0, 0x4d0e0edb},
    {"pngsuite/tbbn0g04.png", 32, 32, 1, 0x1791a91d, 0x1ace6823},
    {"pngsuite/tbbn2c16.png", 32, 32, 3, 0xe519cff0, 0xe27c4c8a},
    {"pngsuite/tbbn3p08.png", 32, 32, 3, 0x44764e96, 0x9c962958},
    {"pngsuite/tbgn2c16.png", 32, 32, 3, 0xe519cff0, 0xe27c4c8a},
    {"pngsuite/tbgn3p08.png", 32, 32, 3, 0x44764e96, 0x9c962958},
    {"pngsuite/tbrn2c08.png", 32, 32, 3, 0xe519cff0, 0xe27c4c8a},
    {"pngsuite/tbwn0g16.png", 32, 32, 1, 0x7fc9f1e3, 0x5b8d01b5},
    {"pngsuite/tbwn3p08.png", 32, 32, 3, 0x44764e96, 0x9c962958},
    {"pngsuite/tbyn3p08.png", 32, 32, 3, 0x44764e96, 0x9c962958},
    {"pngsuite/tm3n3p02.png", 32, 32, 3, 0xe7f1a455, 0x8fe9e438},
    {"pngsuite/tp0n0g08.png", 32, 32, 1, 0xdfa9515c, 0xc3dda42e},
    {"pngsuite/tp0n2c08.png", 32, 32, 3, 0xb426b350, 0xc6744660},
    {"pngsuite/tp0n3p08.png", 32, 32, 3, 0x15493236, 0xb89e23b2},
    {"pngsuite/tp1n3p08.png", 32, 32, 3, 0x44764e96, 0x9c962958},
    {"pngsuite/z00n2c08.png", 32, 32, 3, 0xf8f7d651, 0x3d1af9f4},
    {"pngsuite/z03n2c08.png", 32, 32, 3, 0xf8f7d651, 0x3d1af9f4},
    {"pngsuite/z06n2c08.png", 32, 32, 3, 0xf8f7d651, 0x3d1af9f4},
    {"pngsuite/z09n2c08.png", 32, 32, 3, 0xf8f7d651, 0x3d1af9f4},
};

enum { PICTURES = sizeof pictures / sizeof *pictures };

static uint32_t sum(const cni_image *image)
{
    return (uint32_t)crc32(0, image->pixels, (unsigned)(image->width * image->height * image->channels));
}

static void check_picture(const char *path, int i)
{
    cni_arena arena = {0};
    cni_error error = {0};
    cni_bytes file;
    cni_image image;
    assert_int_equal(cni_file_read(&arena, path, 1 << 30, &file, &error), CN_OK);
    for (int channels = 0; channels <= 3; channels += 1 + channels) {
        if (cni_image_read(&arena, file, channels, NULL, &image, &error)) fail_msg("%s: %s", path, error.text);
        assert_int_equal(image.width, pictures[i].width);
        assert_int_equal(image.height, pictures[i].height);
        if (image.channels != (channels ? channels : pictures[i].channels))
            fail_msg("%s: %d channels", path, image.channels);
        const uint32_t expected = image.channels == 1 ? pictures[i].grey : pictures[i].colour;
        if (sum(&image) != expected)
            fail_msg("%s, %d channels: expected %08x, found %08x", path, channels, expected, sum(&image));
    }
    cni_arena_free(&arena);
}

static void pixels_are_pillows(void **state)
{
    (void)state;
    char path[4096], name[200];
    if (!shared_path(path, "data/images")) skip();
    for (int i = 0; i < PICTURES; i++) {
        snprintf(name, sizeof name, "data/images/%s", pictures[i].name);
        assert_non_null(shared_path(path, name));
        check_picture(path, i);
    }
}

/* PngSuite holds the same picture in many forms: interlaced or not, in one IDAT or many, at each level of compression.
 * Equal sums in the table are what makes them pairs; here are the names. */
static void forms_of_one_picture_agree(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"basi", "basn"}, {"s01i", "s01n"}, {"s03i", "s03n"}, {"s40i", "s40n"}, {"oi1n", "oi9n"}, {"oi2n", "oi4n"},
    };
    int found = 0;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (int i = 0; i < PICTURES; i++)
            for (int k = 0; k < PICTURES; k++) {
                const char *a = pictures[i].name + 9, *b = pictures[k].name + 9;
                if (strncmp(pictures[i].name, "pngsuite/", 9) || strncmp(pictures[k].name, "pngsuite/", 9)) continue;
                if (strncmp(a, pairs[p][0], 4) || strncmp(b, pairs[p][1], 4) || strcmp(a + 4, b + 4)) continue;
                assert_int_equal(pictures[i].colour, pictures[k].colour);
                found++;
            }
    assert_true(found >= 20);
}

static void fill(cni_image *image, int width, int height, int channels)
{
    *image = (cni_image){height, width, channels, malloc((size_t)(width * height * channels))};
    uint32_t random = 12345;
    for (int i = 0; i < width * height * channels; i++) {
        random = random * 1664525 + 1013904223;
        image->pixels[i] = (uint8_t)(random >> 24);
    }
}

static void written_pictures_come_back(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 7}, {31, 3}, {64, 64}};
    for (int i = 0; i < 8; i++) {
        cni_image image, back;
        cni_buffer file = {0};
        cni_arena arena = {0};
        fill(&image, sizes[i / 2][0], sizes[i / 2][1], 1 + i % 2 * 2);
        assert_int_equal(cni_png_write(&file, &image, NULL), CN_OK);
        assert_int_equal(cni_image_read(&arena, cni_buffer_bytes(&file), 0, NULL, &back, NULL), CN_OK);
        assert_int_equal(back.channels, image.channels);
        assert_int_equal(back.width, image.width);
        assert_memory_equal(back.pixels, image.pixels, (size_t)(image.width * image.height * image.channels));
        cni_buffer_free(&file);
        cni_arena_free(&arena);
        free(image.pixels);
    }
    assert_int_equal(cni_png_write(&(cni_buffer){0}, &(cni_image){1, 1, 5, (uint8_t[5]){0}}, NULL), CN_ERR_INVALID);
}

static void alpha_is_read_apart(void **state)
{
    (void)state;
    uint8_t grey[] = {10, 255, 20, 0, 30, 128}, colours[] = {1, 2, 3, 4, 5, 6, 7, 8}, *alpha;
    const cni_image images[] = {{1, 3, 2, grey}, {2, 1, 4, colours}};
    for (int i = 0; i < 2; i++) {
        const int channels = images[i].channels;
        cni_image back;
        cni_buffer file = {0};
        cni_arena arena = {0};
        assert_int_equal(cni_png_write(&file, images + i, NULL), CN_OK);
        assert_int_equal(cni_image_read_alpha(&arena, cni_buffer_bytes(&file), NULL, &back, &alpha, NULL), CN_OK);
        assert_int_equal(back.channels, channels - 1);
        assert_non_null(alpha);
        for (int p = 0; p < images[i].width * images[i].height; p++) {
            assert_memory_equal(back.pixels + p * (channels - 1), images[i].pixels + p * channels,
                                (size_t)channels - 1);
            assert_int_equal(alpha[p], images[i].pixels[(p + 1) * channels - 1]);
        }
        cni_buffer_free(&file);
        cni_arena_free(&arena);
    }
}

static void damaged_png_is_refused(void **state)
{
    (void)state;
    cni_image image, back;
    cni_buffer file = {0};
    fill(&image, 9, 5, 3);
    assert_int_equal(cni_png_write(&file, &image, NULL), CN_OK);
    for (size_t cut = 1; cut <= file.size; cut++) {
        cni_arena arena = {0};
        assert_int_equal(cni_image_read(&arena, (cni_bytes){file.data, file.size - cut}, 0, NULL, &back, NULL),
                         CN_ERR_FORMAT);
        cni_arena_free(&arena);
    }
    for (size_t i = 0; i < file.size; i++) { /* every byte is under a magic, a length or a CRC */
        cni_arena arena = {0};
        file.data[i] ^= 0x10;
        assert_int_not_equal(cni_image_read(&arena, cni_buffer_bytes(&file), 0, NULL, &back, NULL), CN_OK);
        file.data[i] ^= 0x10;
        cni_arena_free(&arena);
    }
    cni_buffer_free(&file);
    free(image.pixels);
}

static void sizes_are_limited_before_memory_is_asked_for(void **state)
{
    (void)state;
    cni_image image;
    cni_arena arena;
    cni_arena_init(&arena, 1);
    cni_limits limits = cni_default_limits;
    limits.image_side = 100;
    limits.image_pixels = 1000;
    limits.image_bytes = 3000;
    static const struct {
        uint64_t width, height;
        cn_status status;
    } cases[] = {
        {0, 1, CN_ERR_FORMAT},    {1, 0, CN_ERR_FORMAT},
        {101, 1, CN_ERR_LIMIT},   {1, 101, CN_ERR_LIMIT},
        {100, 10, CN_ERR_MEMORY}, {100, 11, CN_ERR_LIMIT},
        {91, 11, CN_ERR_LIMIT},   {UINT32_MAX, UINT32_MAX, CN_ERR_LIMIT},
        {99, 10, CN_ERR_MEMORY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cni_image_new(&arena, cases[i].width, cases[i].height, &limits, &image, NULL),
                         cases[i].status);
    limits.image_bytes = 2999;
    assert_int_equal(cni_image_new(&arena, 100, 10, &limits, &image, NULL), CN_ERR_LIMIT);
}

/* What in the collections of broken files is sound after all, or broken only in what does not matter for pixels;
 * Pillow reads it too. */
static const char *const readable[] = {
    "16ed9ebdb784125b94cbb1a85f82af955d07e3d2",
    "basn6a16.png",
    "basn2c16.png",
    "basn0g08.png",
    "b88395bac8db25d00ad29b318831589ac40e9b57",
    "chrome-app-list.png",
    "6d8517258c3774ae20a5954e0bcfda647a9bccd1",
    "basn0g01-30.png",
    "14ae84e8a092a63d43331627c11a6a88aca6ec45",
    "9d34214c14b749df567a60a402d4366ac993dc01",
    "icc_missing_chunk.jpeg",
    "its_3976a754ef0aca80e84e2c403d714579.jpg",
    "icc_chunk_count_mismatch.jpeg",
    "icc_chunk_seq_no_0.jpeg",
    "c1c019771f57a0e58cca1dbee4b2ef39ba6ab576-5",
    "video-001.q50.411.progressive.jpeg",
};

static void judge(const char *name, cni_bytes file, void *user)
{
    cni_arena arena;
    cni_error error = {0};
    cni_image image;
    bool expected = false;
    cni_arena_init(&arena, 256 << 20);
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) expected |= strcmp(readable[i], name) == 0;
    if ((cni_image_read(&arena, file, 3, NULL, &image, &error) == CN_OK) != expected) {
        print_error("%s: %s\n", name, *error.text ? error.text : "is read");
        ++*(int *)user;
    }
    cni_arena_free(&arena);
}

static void broken_pictures_are_refused(void **state)
{
    (void)state;
    int wrong = 0;
    if (sweep("malformed/png", "", judge, &wrong) < 0) skip();
    sweep("malformed/gofuzz_png", "", judge, &wrong);
    sweep("malformed/jpeg", "", judge, &wrong);
    sweep("malformed/gofuzz_jpeg", "", judge, &wrong);
    sweep("malformed/misc", "", judge, &wrong);
    sweep("malformed/derived", "png", judge, &wrong);
    sweep("malformed/derived", "jpeg", judge, &wrong);
    assert_int_equal(wrong, 0);
}

static void cut(const char *name, cni_bytes file, void *user)
{
    (void)user;
    if (file.size > 100000) return;
    for (size_t size = 0; size < file.size; size += 1 + file.size / 200) {
        cni_arena arena = {0};
        cni_image image;
        if (cni_image_read(&arena, (cni_bytes){file.data, size}, 3, NULL, &image, NULL) == CN_OK)
            fail_msg("%s, %zu of %zu bytes: is read", name, size, file.size);
        cni_arena_free(&arena);
    }
}

static void cut_pictures_are_refused(void **state)
{
    (void)state;
    if (sweep("images/jpeg_misc", "", cut, NULL) < 0) skip();
    sweep("images/photos", "", cut, NULL);
    sweep("images/pngsuite", "basi", cut, NULL);
}

/* SOI, then scans or comments without end. */
static void jpeg_markers_are_counted(void **state)
{
    (void)state;
    static const struct {
        unsigned code;
        int sound, count;
    } cases[] = {{0xda, 100, 101}, {0xfe, 998, 1000}};
    for (int i = 0; i < 4; i++) {
        cni_buffer file = {0};
        cni_arena arena = {0};
        cni_image image;
        cni_buffer_add(&file, "\xff\xd8", 2);
        const int count = i % 2 ? cases[i / 2].count : cases[i / 2].sound;
        for (int k = 0; k < count; k++) {
            cni_buffer_u8(&file, 0xff);
            cni_buffer_u8(&file, cases[i / 2].code);
            cni_buffer_add(&file, "\0\2", 2);
        }
        cni_buffer_add(&file, "\xff\xd9", 2);
        assert_int_equal(cni_image_read(&arena, cni_buffer_bytes(&file), 0, NULL, &image, NULL),
                         i % 2 ? CN_ERR_LIMIT : CN_ERR_FORMAT);
        cni_buffer_free(&file);
        cni_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_are_pillows),          cmocka_unit_test(forms_of_one_picture_agree),
        cmocka_unit_test(written_pictures_come_back),  cmocka_unit_test(alpha_is_read_apart),
        cmocka_unit_test(damaged_png_is_refused),      cmocka_unit_test(sizes_are_limited_before_memory_is_asked_for),
        cmocka_unit_test(broken_pictures_are_refused), cmocka_unit_test(cut_pictures_are_refused),
        cmocka_unit_test(jpeg_markers_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
