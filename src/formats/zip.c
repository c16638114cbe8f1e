/* SPDX-License-Identifier: Apache-2.0
 * ZIP archives in memory.
 *
 *   [local header, name, extra, data, (descriptor)]...  [central header, name, extra, comment]...  [end of directory]
 *
 * The central directory rules; each local header must say the same. */
#include "formats/zip.h"
#include "base/utf8.h"

#include "formats/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, DESCRIPTOR = 0x08074b50, END = 0x06054b50 };
enum { END64 = 0x06064b50, LOCATOR64 = 0x07064b50 };
enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, END64_SIZE = 56, LOCATOR64_SIZE = 20 };
enum { FLAG_ENCRYPTED = 1, FLAG_EFFORT = 3 << 1, FLAG_DESCRIPTOR = 1 << 3, FLAG_UTF8 = 1 << 11 };
enum { FLAGS_KNOWN = FLAG_EFFORT | FLAG_DESCRIPTOR | FLAG_UTF8 };
enum { STORED = 0, DEFLATED = 8, EXTRA_ZIP64 = 1, EPOCH_DATE = 0x21 /* 1980-01-01 */ };
#define LARGE UINT32_MAX /* "look into the zip64 extra field" */

/* One entry while it is checked; both headers are read into one of these. */
typedef struct header {
    uint16_t flags, method, disk;
    uint32_t crc, attributes;
    uint64_t stored, size, offset;
    cni_bytes name, extra;
    uint8_t system;
} header;

/* Bytes of the archive that belong to one entry, to find overlaps. */
typedef struct range {
    uint64_t begin, end;
    size_t member;
} range;

typedef struct reader {
    cni_arena *arena;
    cni_bytes file;
    const cni_limits *limits;
    uint64_t count, directory, directory_size, directory_end; /* directory_end: where the end records begin */
    range *ranges;
    cni_error *error;
} reader;

/* ---- the end of the directory ---- */

static uint16_t u16_at(cni_bytes file, size_t at)
{
    return (uint16_t)(file.data[at] | file.data[at + 1] << 8);
}

static uint32_t u32_at(cni_bytes file, size_t at)
{
    return u16_at(file, at) | (uint32_t)u16_at(file, at + 2) << 16;
}

/* The last record whose comment ends with the file. */
static bool find_end(cni_bytes file, size_t *at)
{
    if (file.size < END_SIZE) return false;
    for (size_t comment = 0; comment <= UINT16_MAX && comment + END_SIZE <= file.size; comment++) {
        *at = file.size - END_SIZE - comment;
        if (u32_at(file, *at) == END && u16_at(file, *at + 20) == comment) return true;
    }
    return false;
}

static cn_status read_end64(reader *in, size_t end, cni_cursor *at)
{
    if (end < LOCATOR64_SIZE || u32_at(in->file, end - LOCATOR64_SIZE) != LOCATOR64)
        return cni_fail(in->error, CN_ERR_FORMAT, "@0x%zx: zip64 sizes without a zip64 record", end);
    cni_cursor_seek(at, end - LOCATOR64_SIZE + 4);
    const uint32_t disk = cni_cursor_u32(at);
    const uint64_t record = cni_cursor_u64(at);
    const uint32_t disks = cni_cursor_u32(at);
    if (disk || disks > 1) return cni_fail(in->error, CN_ERR_UNSUPPORTED, "the archive lies on several disks");
    if (record > end - LOCATOR64_SIZE || end - LOCATOR64_SIZE - record != END64_SIZE)
        return cni_fail(in->error, CN_ERR_FORMAT, "@0x%zx: the zip64 record is not where it should be", end);
    cni_cursor_seek(at, record);
    const uint32_t magic = cni_cursor_u32(at);
    const uint64_t size = cni_cursor_u64(at);
    cni_cursor_skip(at, 4);
    const uint64_t this_disk = cni_cursor_u64(at), here = cni_cursor_u64(at);
    in->count = cni_cursor_u64(at);
    in->directory_size = cni_cursor_u64(at);
    in->directory = cni_cursor_u64(at);
    in->directory_end = record;
    if (magic != END64 || size != END64_SIZE - 12 || this_disk || here != in->count)
        return cni_fail(in->error, CN_ERR_FORMAT, "@0x%llx: the zip64 record is damaged", (unsigned long long)record);
    return CN_OK;
}

static cn_status read_end(reader *in)
{
    size_t end;
    if (!find_end(in->file, &end))
        return cni_fail(in->error, CN_ERR_FORMAT,
                        !in->file.size ? "is empty; a zip archive is expected"
                        : !cni_zip_detect(in->file)
                            ? "no zip archive: it begins as something else"
                            : "no zip archive: it has no end-of-directory record; is it cut off?");
    cni_cursor at = cni_cursor_of(in->file);
    cni_cursor_seek(&at, end + 4);
    const unsigned disk = cni_cursor_u16(&at), directory_disk = cni_cursor_u16(&at), here = cni_cursor_u16(&at);
    in->count = cni_cursor_u16(&at);
    in->directory_size = cni_cursor_u32(&at);
    in->directory = cni_cursor_u32(&at);
    in->directory_end = end;
    if (disk || directory_disk || here != in->count)
        return cni_fail(in->error, CN_ERR_UNSUPPORTED, "the archive lies on several disks");
    if (in->count == UINT16_MAX || in->directory_size == LARGE || in->directory == LARGE)
        CN_TRY(read_end64(in, end, &at));
    if (in->directory > in->directory_end || in->directory_end - in->directory != in->directory_size)
        return cni_fail(in->error, CN_ERR_FORMAT,
                        "@0x%zx: the directory, %llu bytes at 0x%llx, does not end where the end record begins", end,
                        (unsigned long long)in->directory_size, (unsigned long long)in->directory);
    if (in->directory_size > in->limits->zip_directory_bytes || in->count > in->limits->zip_entries)
        return cni_fail(in->error, CN_ERR_LIMIT,
                        "%llu entries in %llu bytes of directory; the limits are %llu entries and %llu bytes",
                        (unsigned long long)in->count, (unsigned long long)in->directory_size,
                        (unsigned long long)in->limits->zip_entries,
                        (unsigned long long)in->limits->zip_directory_bytes);
    if (in->count > in->directory_size / CENTRAL_SIZE)
        return cni_fail(in->error, CN_ERR_FORMAT, "%llu entries cannot be in %llu bytes of directory",
                        (unsigned long long)in->count, (unsigned long long)in->directory_size);
    return CN_OK;
}

/* ---- headers ---- */

/* Extra fields are [id, size, bytes]...; zip64's holds, in this order, those of size, stored and offset that do not fit
 * 32 bits.  Up to three odd bytes at the end are padding that old writers left. */
static bool read_extra(header *entry)
{
    cni_cursor at = cni_cursor_of(entry->extra);
    bool seen = false;
    while (cni_cursor_left(&at) >= 4) {
        const unsigned id = cni_cursor_u16(&at);
        const cni_bytes field = cni_cursor_take(&at, cni_cursor_u16(&at));
        if (at.failed) return false;
        if (id != EXTRA_ZIP64) continue;
        if (seen) return false;
        seen = true;
        cni_cursor zip64 = cni_cursor_of(field);
        uint64_t *const values[] = {&entry->size, &entry->stored, &entry->offset};
        for (int i = 0; i < 3; i++)
            if (*values[i] == LARGE) *values[i] = cni_cursor_u64(&zip64);
        if (zip64.failed) return false;
    }
    return entry->size != LARGE && entry->stored != LARGE && entry->offset != LARGE;
}

static bool read_central(cni_cursor *at, header *entry)
{
    const uint32_t magic = cni_cursor_u32(at);
    const unsigned made_by = cni_cursor_u16(at);
    cni_cursor_skip(at, 2);
    *entry = (header){.system = (uint8_t)(made_by >> 8)};
    entry->flags = cni_cursor_u16(at);
    entry->method = cni_cursor_u16(at);
    cni_cursor_skip(at, 4); /* time and date */
    entry->crc = cni_cursor_u32(at);
    entry->stored = cni_cursor_u32(at);
    entry->size = cni_cursor_u32(at);
    const unsigned name = cni_cursor_u16(at), extra = cni_cursor_u16(at), comment = cni_cursor_u16(at);
    entry->disk = cni_cursor_u16(at);
    cni_cursor_skip(at, 2);
    entry->attributes = cni_cursor_u32(at);
    entry->offset = cni_cursor_u32(at);
    entry->name = cni_cursor_take(at, name);
    entry->extra = cni_cursor_take(at, extra);
    cni_cursor_skip(at, comment);
    return !at->failed && magic == CENTRAL && read_extra(entry);
}

static bool read_local(cni_cursor *at, header *entry)
{
    const uint32_t magic = cni_cursor_u32(at);
    cni_cursor_skip(at, 2);
    *entry = (header){.flags = cni_cursor_u16(at)};
    entry->method = cni_cursor_u16(at);
    cni_cursor_skip(at, 4);
    entry->crc = cni_cursor_u32(at);
    entry->stored = cni_cursor_u32(at);
    entry->size = cni_cursor_u32(at);
    const unsigned name = cni_cursor_u16(at), extra = cni_cursor_u16(at);
    entry->name = cni_cursor_take(at, name);
    entry->extra = cni_cursor_take(at, extra);
    return !at->failed && magic == LOCAL && read_extra(entry);
}

/* After data of a size not known when the header was written: [magic], crc, stored, size, the sizes in 4 or 8 bytes.
 * The directory knows them by now, so whichever of the four forms says the same is the one.  0 when none does. */
static size_t descriptor_size(cni_cursor at, const header *entry)
{
    for (int form = 0; form < 4; form++) {
        cni_cursor try = at;
        const bool magic = !(form & 1), wide = form & 2;
        if (magic && cni_cursor_u32(&try) != DESCRIPTOR) continue;
        const uint32_t crc = cni_cursor_u32(&try);
        const uint64_t stored = wide ? cni_cursor_u64(&try) : cni_cursor_u32(&try);
        const uint64_t size = wide ? cni_cursor_u64(&try) : cni_cursor_u32(&try);
        if (!try.failed && crc == entry->crc && stored == entry->stored && size == entry->size) return try.at - at.at;
    }
    return 0;
}

/* ---- names ---- */

/* A relative path without "." or "..", in characters that mean nothing special on any system. */
static const char *fault_of_name(cni_bytes name)
{
    const char *text = (const char *)name.data;
    if (!name.size) return "it is empty";
    if (!cni_utf8_valid(text, name.size)) return "it is not UTF-8";
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < 0x20 || name.data[i] == 0x7f) return "it has control characters";
    if (text[0] == '/') return "it is absolute";
    if (memchr(text, '\\', name.size)) return "it has a backslash";
    if (memchr(text, ':', name.size)) return "it has a colon, as a drive letter";
    for (size_t from = 0; from < name.size;) {
        const char *slash = memchr(text + from, '/', name.size - from);
        const size_t to = slash ? (size_t)(slash - text) : name.size;
        if (to == from) return "it has an empty part";
        if (text[from] == '.' && (to == from + 1 || (to == from + 2 && text[from + 1] == '.')))
            return "it has a part . or ..";
        from = to + 1;
    }
    return NULL;
}

/* Symbolic links and devices say so in the upper half of the attributes that Unix and macOS write. */
static bool is_special(const header *entry)
{
    enum { UNIX = 3, DARWIN = 19 };
    const unsigned kind = entry->attributes >> 28;
    return (entry->system == UNIX || entry->system == DARWIN) && kind != 0 && kind != 8 && kind != 4;
}

/* ---- entries ---- */

static cn_status bad_entry(const reader *in, const header *entry, cn_status status, const char *fault)
{
    const size_t length = entry->name.size < 64 ? entry->name.size : 64;
    return cni_fail(in->error, status, "member \"%.*s\": %s", (int)length, (const char *)entry->name.data, fault);
}

static cn_status check_central(const reader *in, const header *entry)
{
    const char *fault = fault_of_name(entry->name);
    if (entry->name.size > in->limits->zip_name_bytes)
        return bad_entry(in, entry, CN_ERR_LIMIT, "its name is longer than the limit");
    if (fault) return cni_fail(in->error, CN_ERR_FORMAT, "the name of a member is refused: %s", fault);
    if (entry->flags & FLAG_ENCRYPTED) return bad_entry(in, entry, CN_ERR_UNSUPPORTED, "is encrypted");
    if (entry->flags & ~(unsigned)FLAGS_KNOWN)
        return bad_entry(in, entry, CN_ERR_UNSUPPORTED, "has flags for encryption, patches or features unknown");
    if (entry->method != STORED && entry->method != DEFLATED)
        return bad_entry(in, entry, CN_ERR_UNSUPPORTED,
                         "is compressed by another method than deflate; pack it with `zip -Z deflate`");
    if (entry->disk) return bad_entry(in, entry, CN_ERR_UNSUPPORTED, "lies on another disk");
    if (is_special(entry)) return bad_entry(in, entry, CN_ERR_UNSUPPORTED, "is a link or a device, not a file");
    if (entry->method == STORED && entry->stored != entry->size)
        return bad_entry(in, entry, CN_ERR_FORMAT, "is stored, but in another size than its own");
    if (entry->name.data[entry->name.size - 1] == '/' && entry->size)
        return bad_entry(in, entry, CN_ERR_FORMAT, "is a folder with content");
    return CN_OK;
}

/* With a descriptor the local sizes may be 0, and writers that know them put them there nevertheless. */
static bool agree(const header *central, const header *local)
{
    const bool later = local->flags & FLAG_DESCRIPTOR;
    const bool blank = later && !local->crc && !local->stored && !local->size;
    const bool sizes = local->crc == central->crc && local->stored == central->stored && local->size == central->size;
    const bool flags = !(local->flags & ~FLAGS_KNOWN) && !((local->flags ^ central->flags) & FLAG_DESCRIPTOR);
    return cni_bytes_equal(local->name, central->name.data, central->name.size) && local->method == central->method &&
           flags && (blank || sizes);
}

static cn_status check_entry(reader *in, const header *central, size_t index, cni_zip_member *member)
{
    CN_TRY(check_central(in, central));
    const cni_bytes before = {in->file.data, (size_t)in->directory};
    cni_cursor at = cni_cursor_of(before);
    header local;
    if (!cni_cursor_seek(&at, central->offset) || !read_local(&at, &local))
        return bad_entry(in, central, CN_ERR_FORMAT, "its local header is missing or damaged");
    if (!agree(central, &local))
        return bad_entry(in, central, CN_ERR_FORMAT, "its local header and the directory do not agree");
    member->stored = cni_cursor_take(&at, central->stored);
    if (at.failed) return bad_entry(in, central, CN_ERR_FORMAT, "its data reach into the directory; is the file cut?");
    if (local.flags & FLAG_DESCRIPTOR) {
        const size_t size = descriptor_size(at, central);
        if (!size) return bad_entry(in, central, CN_ERR_FORMAT, "its data descriptor and the directory do not agree");
        cni_cursor_skip(&at, size);
    }
    in->ranges[index] = (range){central->offset, at.at, index};
    member->name = cni_arena_text_n(in->arena, (const char *)central->name.data, central->name.size);
    if (!member->name) return cni_no_memory(in->error, "the list of members");
    member->deflated = central->method == DEFLATED;
    member->crc = central->crc;
    member->size = central->size;
    return CN_OK;
}

static int by_begin(const void *a, const void *b)
{
    const range *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static cn_status check_overlaps(reader *in, const cni_zip *zip)
{
    qsort(in->ranges, zip->count, sizeof *in->ranges, by_begin);
    for (size_t i = 1; i < zip->count; i++)
        if (in->ranges[i].begin < in->ranges[i - 1].end)
            return cni_fail(in->error, CN_ERR_FORMAT, "members \"%.64s\" and \"%.64s\" overlap",
                            zip->members[in->ranges[i - 1].member].name, zip->members[in->ranges[i].member].name);
    return CN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static cn_status check_names(reader *in, const cni_zip *zip)
{
    const char **names = CNI_NEW_ARRAY(in->arena, const char *, zip->count);
    if (!names) return cni_no_memory(in->error, "the list of members");
    for (size_t i = 0; i < zip->count; i++) names[i] = zip->members[i].name;
    qsort(names, zip->count, sizeof *names, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return cni_fail(in->error, CN_ERR_FORMAT, "two members are called \"%.64s\"", names[i]);
    return CN_OK;
}

static cn_status check_sizes(reader *in, const cni_zip *zip)
{
    uint64_t stored = 0, declared = 0; /* stored cannot overflow: the ranges are disjoint parts of the file */
    for (size_t i = 0; i < zip->count; i++) {
        stored += zip->members[i].stored.size;
        if (__builtin_add_overflow(declared, zip->members[i].size, &declared)) declared = UINT64_MAX;
    }
    return cni_check_expansion(stored, declared, in->limits, in->error);
}

static cn_status read_directory(reader *in, cni_zip *zip)
{
    cni_bytes directory = {in->file.data + in->directory, (size_t)in->directory_size};
    cni_cursor at = cni_cursor_of(directory);
    for (size_t i = 0; i < zip->count; i++) {
        const size_t begin = at.at;
        header central;
        if (!read_central(&at, &central))
            return cni_fail(in->error, CN_ERR_FORMAT, "@0x%llx: entry %zu of the directory is damaged",
                            (unsigned long long)(in->directory + begin), i);
        CN_TRY(check_entry(in, &central, i, &zip->members[i]));
    }
    if (cni_cursor_left(&at))
        return cni_fail(in->error, CN_ERR_FORMAT, "@0x%llx: the directory has more than the %zu entries announced",
                        (unsigned long long)(in->directory + at.at), zip->count);
    return CN_OK;
}

cn_status cni_zip_open(cni_arena *arena, cni_bytes file, const cni_limits *limits, cni_zip *out, cni_error *error)
{
    reader in = {.arena = arena, .file = file, .limits = limits ? limits : &cni_default_limits, .error = error};
    CN_TRY(read_end(&in));
    cni_zip zip = {.count = (size_t)in.count};
    zip.members = CNI_NEW_ARRAY(arena, cni_zip_member, zip.count);
    in.ranges = CNI_NEW_ARRAY(arena, range, zip.count);
    if (!zip.members || !in.ranges) return cni_no_memory(error, "the list of members");
    CN_TRY(read_directory(&in, &zip));
    CN_TRY(check_overlaps(&in, &zip));
    CN_TRY(check_names(&in, &zip));
    CN_TRY(check_sizes(&in, &zip));
    *out = zip;
    return CN_OK;
}

const cni_zip_member *cni_zip_find(const cni_zip *zip, const char *name)
{
    for (size_t i = 0; i < zip->count; i++)
        if (strcmp(zip->members[i].name, name) == 0) return &zip->members[i];
    return NULL;
}

static uint32_t crc_of(cni_bytes bytes)
{
    return (uint32_t)crc32_z(0, bytes.data, bytes.size);
}

static cn_status content(cni_arena *arena, const cni_zip_member *member, cni_bytes *out, cni_error *error)
{
    cni_bytes bytes = member->stored;
    if (member->deflated) {
        uint8_t *data = member->size > PTRDIFF_MAX ? NULL : cni_arena_alloc(arena, (size_t)member->size);
        if (!data)
            return cni_fail(error, CN_ERR_MEMORY, "no memory for its %llu bytes", (unsigned long long)member->size);
        CN_TRY(cni_inflate(arena, member->stored, CNI_DEFLATED_RAW, data, (size_t)member->size, error));
        bytes = (cni_bytes){data, (size_t)member->size};
    }
    if (crc_of(bytes) != member->crc)
        return cni_fail(error, CN_ERR_FORMAT, "checksum: expected %08x, found %08x", member->crc, crc_of(bytes));
    *out = bytes;
    return CN_OK;
}

cn_status cni_zip_read(cni_arena *arena, const cni_zip_member *member, cni_bytes *out, cni_error *error)
{
    const cn_status status = content(arena, member, out, error);
    if (status) cni_fail_in(error, "member \"%.64s\"", member->name);
    return status;
}

bool cni_zip_detect(cni_bytes file)
{
    return file.size >= END_SIZE && (u32_at(file, 0) == LOCAL || u32_at(file, 0) == END);
}

/* ---- writing ---- */

/* What both headers share: version needed, flags, method, time, date, crc, sizes, length of the name, no extra. */
static void add_common(cni_buffer *to, const char *name, cni_bytes content, uint32_t crc)
{
    bool ascii = true;
    for (const char *c = name; *c; c++) ascii &= (unsigned char)*c < 0x80;
    cni_buffer_u16(to, 20);
    cni_buffer_u16(to, ascii ? 0 : FLAG_UTF8);
    cni_buffer_u16(to, STORED);
    cni_buffer_u16(to, 0);
    cni_buffer_u16(to, EPOCH_DATE);
    cni_buffer_u32(to, crc);
    cni_buffer_u32(to, (uint32_t)content.size);
    cni_buffer_u32(to, (uint32_t)content.size);
    cni_buffer_u16(to, (unsigned)strlen(name));
    cni_buffer_u16(to, 0);
}

cn_status cni_zip_add(cni_zip_writer *writer, const char *name, cni_bytes content, cni_error *error)
{
    const char *fault = fault_of_name((cni_bytes){(const uint8_t *)name, strlen(name)});
    if (!fault && strlen(name) > cni_default_limits.zip_name_bytes) fault = "it is longer than 512 bytes";
    if (fault) return cni_fail(error, CN_ERR_INVALID, "a member cannot be called \"%.64s\": %s", name, fault);
    const size_t offset = writer->bytes.size;
    if (content.size >= LARGE || offset >= LARGE - content.size - LOCAL_SIZE - 512)
        return cni_fail(error, CN_ERR_LIMIT, "member \"%.64s\": archives of 4 GiB and more are not written", name);
    if (writer->count == cni_default_limits.zip_entries)
        return cni_fail(error, CN_ERR_LIMIT, "member \"%.64s\": more than %u members", name, writer->count);
    const uint32_t crc = crc_of(content);
    cni_buffer_u32(&writer->bytes, LOCAL);
    add_common(&writer->bytes, name, content, crc);
    cni_buffer_text(&writer->bytes, name);
    cni_buffer_add(&writer->bytes, content.data, content.size);

    cni_buffer_u32(&writer->directory, CENTRAL);
    cni_buffer_u16(&writer->directory, 3 << 8 | 20); /* made on Unix */
    add_common(&writer->directory, name, content, crc);
    cni_buffer_u16(&writer->directory, 0); /* comment */
    cni_buffer_u16(&writer->directory, 0); /* disk */
    cni_buffer_u16(&writer->directory, 0);
    cni_buffer_u32(&writer->directory, UINT32_C(0100644) << 16);
    cni_buffer_u32(&writer->directory, (uint32_t)offset);
    cni_buffer_text(&writer->directory, name);
    writer->count++;
    if (writer->bytes.failed || writer->directory.failed) return cni_no_memory(error, "an archive");
    return CN_OK;
}

cn_status cni_zip_finish(cni_zip_writer *writer, cni_error *error)
{
    cni_buffer *to = &writer->bytes;
    const size_t offset = to->size;
    if (offset >= LARGE) return cni_fail(error, CN_ERR_LIMIT, "archives of 4 GiB and more are not written");
    cni_buffer_add(to, writer->directory.data, writer->directory.size);
    cni_buffer_u32(to, END);
    cni_buffer_u32(to, 0);
    cni_buffer_u16(to, writer->count);
    cni_buffer_u16(to, writer->count);
    cni_buffer_u32(to, (uint32_t)writer->directory.size);
    cni_buffer_u32(to, (uint32_t)offset);
    cni_buffer_u16(to, 0);
    if (to->failed || writer->directory.failed) return cni_no_memory(error, "an archive");
    return CN_OK;
}

void cni_zip_writer_free(cni_zip_writer *writer)
{
    cni_buffer_free(&writer->bytes);
    cni_buffer_free(&writer->directory);
}
