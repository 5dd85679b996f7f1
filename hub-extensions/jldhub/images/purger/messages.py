"""The messages of the Container Runtime Interface, `runtime.v1`, that are needed to list images and containers and to remove an image.

They are made when the program starts, of the fields alone that it reads: a runtime's other fields are skipped, as protobuf has it.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "runtime.v1"
_SCALARS = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}
# As in Kubernetes' api.proto: the name, the type and the number of each field.
_MESSAGES = {
    "ImageSpec": ["string image = 1"],
    "Image": [
        "string id = 1",
        "repeated string repo_tags = 2",
        "repeated string repo_digests = 3",
        "uint64 size = 4",
        "bool pinned = 8",
    ],
    "Container": ["string id = 1", "ImageSpec image = 4", "string image_ref = 5", "string image_id = 10"],
    "ListImagesRequest": [],
    "ListImagesResponse": ["repeated Image images = 1"],
    "ListContainersRequest": [],  # without a filter: those that have ended, too
    "ListContainersResponse": ["repeated Container containers = 1"],
    "RemoveImageRequest": ["ImageSpec image = 1"],
    "RemoveImageResponse": [],
}


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="cri.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for line in fields:
            *repeated, kind, field_name, _, number = line.split()
            label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=int(number), label=label)
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    return file


def _classes() -> dict[str, Any]:
    pool = DescriptorPool()  # one of its own: nobody else's messages are in the way
    pool.Add(_file())
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES}


CLASSES = _classes()
