#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cri.py - a client of the container runtime interface, for systems without crictl

call("RunPodSandbox", config={...}) sends one request to the socket $CRI and gives the answer as a dictionary. The
message types are read from the descriptors that every Go program with generated messages carries, compressed, in
its binary: here containerd's, so that no definition has to be kept.
"""
import os
import re
import zlib

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PACKAGE = "runtime.v1"
IMAGE_METHODS = {"ListImages", "ImageStatus", "PullImage", "RemoveImage", "ImageFsInfo"}
GZIP_HEAD = rb"\x1f\x8b\x08\x00(?:\x00\x00\x00\x00[\x00\x02]\xff|\x00\x09\x6e\x88\x02\xff)"


def find_descriptor(binary="/usr/bin/containerd"):
    """The descriptor of the interface's file, without what only generators of Go code need."""
    with open(binary, "rb") as f:
        data = f.read()
    for head in re.finditer(GZIP_HEAD, data, re.S):
        found = descriptor_pb2.FileDescriptorProto()
        try:
            found.ParseFromString(zlib.decompressobj(31).decompress(data[head.start():head.start() + 400000]))
        except Exception:  # compressed data of another kind
            continue
        if found.package == PACKAGE:
            return found
    raise SystemExit("no descriptor of %s in %s" % (PACKAGE, binary))


def strip(message):
    if not message.options.map_entry:
        message.ClearField("options")
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        strip(nested)


def load():
    api = find_descriptor()
    del api.dependency[:]
    api.ClearField("options")
    api.name = "cri.proto"
    for message in api.message_type:
        strip(message)
    for enum in api.enum_type:
        enum.ClearField("options")
        for value in enum.value:
            value.ClearField("options")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(api)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(PACKAGE + "." + name))


message_type = load()
channel = grpc.insecure_channel("unix://" + os.environ["CRI"])


def call(method, **fields):
    service = "ImageService" if method in IMAGE_METHODS else "RuntimeService"
    send = channel.unary_unary("/%s.%s/%s" % (PACKAGE, service, method),
                               request_serializer=lambda m: m.SerializeToString(),
                               response_deserializer=message_type(method + "Response").FromString)
    request = json_format.ParseDict(fields, message_type(method + "Request")())
    return json_format.MessageToDict(send(request, timeout=60), preserving_proto_field_name=True)
