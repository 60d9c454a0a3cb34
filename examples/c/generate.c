/* Samples from a model.onnx of dropgan through onnxruntime's C API:
 *
 *   generate MODEL SEED START COUNT [PLACE] > samples.pgm
 *
 * writes the samples below each other as one PGM (grey) or PPM (colour) picture. A class-conditional
 * model needs the place of a class, from 0 on, in the order in which `dropgan inspect` lists them. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <onnxruntime_c_api.h>

#include "latents.h"
#include "seed.h"

static const OrtApi *ort;

static void check(OrtStatus *status)
{
    if (status != NULL) {
        fprintf(stderr, "generate: %s\n", ort->GetErrorMessage(status));
        exit(1);
    }
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        fprintf(stderr, "generate: %s is no whole number\n", text);
        exit(2);
    }
    return value;
}

/* The second dimension of the model's first input. */
static size_t latent_dim(const OrtSession *session)
{
    OrtTypeInfo *type;
    const OrtTensorTypeAndShapeInfo *tensor;
    size_t rank;
    int64_t shape[2];
    check(ort->SessionGetInputTypeInfo(session, 0, &type));
    check(ort->CastTypeInfoToTensorInfo(type, &tensor));
    check(ort->GetDimensionsCount(tensor, &rank));
    if (rank != 2) {
        fprintf(stderr, "generate: the model's input is no [batch, latent_dim]\n");
        exit(1);
    }
    check(ort->GetDimensions(tensor, shape, 2));
    ort->ReleaseTypeInfo(type);
    return (size_t)shape[1];
}

static void write_picture(OrtValue *images)
{
    OrtTensorTypeAndShapeInfo *info;
    ONNXTensorElementDataType kind;
    size_t rank;
    int64_t shape[4];
    uint8_t *pixels;
    check(ort->GetTensorTypeAndShape(images, &info));
    check(ort->GetTensorElementType(info, &kind));
    check(ort->GetDimensionsCount(info, &rank));
    if (rank != 4 || kind != ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8) {
        fprintf(stderr, "generate: the model gives no pixels\n");
        exit(1);
    }
    check(ort->GetDimensions(info, shape, 4));
    ort->ReleaseTensorTypeAndShapeInfo(info);
    check(ort->GetTensorMutableData(images, (void **)&pixels));
    printf("P%d\n%" PRId64 " %" PRId64 "\n255\n", shape[3] == 1 ? 5 : 6, shape[2], shape[0] * shape[1]);
    fwrite(pixels, 1, (size_t)(shape[0] * shape[1] * shape[2] * shape[3]), stdout);
}

int main(int count_of_arguments, char **arguments)
{
    if (count_of_arguments != 5 && count_of_arguments != 6) {
        fprintf(stderr, "usage: generate MODEL SEED START COUNT [PLACE] > samples.pgm\n");
        return 2;
    }
    uint64_t seed = dropgan_seed(arguments[2]), start = number(arguments[3]);
    size_t count = (size_t)number(arguments[4]);
    size_t inputs_given = (size_t)count_of_arguments - 4;
    int64_t label = inputs_given == 2 ? (int64_t)number(arguments[5]) : 0;

    ort = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (ort == NULL) {
        fprintf(stderr, "generate: onnxruntime %s is older than the header that this was built with\n",
                OrtGetApiBase()->GetVersionString());
        return 1;
    }
    setenv("ORT_DISABLE_TELEMETRY", "1", 0); /* or onnxruntime sends to its maker: docs/security.md */
    OrtEnv *environment;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtAllocator *allocator;
    char *input_names[2], *output_name;
    size_t input_count;
    check(ort->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "generate", &environment));
    check(ort->CreateSessionOptions(&options));
    check(ort->CreateSession(environment, arguments[1], options, &session));
    check(ort->GetAllocatorWithDefaultOptions(&allocator));
    check(ort->SessionGetInputCount(session, &input_count));
    if (input_count != inputs_given) {
        fprintf(stderr, "generate: %s\n", input_count == 2 ? "this model has classes: give the PLACE of one"
                                                           : "this model has no classes: leave PLACE out");
        return 1;
    }
    for (size_t place = 0; place < input_count; place++)
        check(ort->SessionGetInputName(session, place, allocator, &input_names[place]));
    check(ort->SessionGetOutputName(session, 0, allocator, &output_name));

    size_t dim = latent_dim(session);
    float *latents = malloc(count * dim * sizeof *latents);
    int64_t *labels = malloc(count * sizeof *labels);
    if (latents == NULL || labels == NULL) {
        fprintf(stderr, "generate: out of memory\n");
        return 1;
    }
    dropgan_latents(latents, dim, count, seed, start);
    for (size_t sample = 0; sample < count; sample++)
        labels[sample] = label;

    OrtMemoryInfo *memory;
    OrtValue *inputs[2], *images = NULL;
    int64_t shape[] = {(int64_t)count, (int64_t)dim};
    check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    check(ort->CreateTensorWithDataAsOrtValue(memory, latents, count * dim * sizeof *latents, shape, 2,
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &inputs[0]));
    if (input_count == 2) /* a label that the model has not is an error of onnxruntime's below */
        check(ort->CreateTensorWithDataAsOrtValue(memory, labels, count * sizeof *labels, shape, 1,
                                                  ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &inputs[1]));
    check(ort->Run(session, NULL, (const char *const *)input_names, (const OrtValue *const *)inputs,
                   input_count, (const char *const *)&output_name, 1, &images));
    write_picture(images);

    ort->ReleaseValue(images);
    for (size_t place = 0; place < input_count; place++) {
        ort->ReleaseValue(inputs[place]);
        check(ort->AllocatorFree(allocator, input_names[place]));
    }
    ort->ReleaseMemoryInfo(memory);
    free(latents);
    free(labels);
    check(ort->AllocatorFree(allocator, output_name));
    ort->ReleaseSession(session);
    ort->ReleaseSessionOptions(options);
    ort->ReleaseEnv(environment);
    return fflush(stdout) != 0;
}
