#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cri_pod.py DIRECTORY - a pod with a server and a client, as the kubelet would make it"""
import base64
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cri import call  # noqa: E402

W = sys.argv[1]
OWN_PIDS = {"namespace_options": {"pid": "CONTAINER"}}
POD = {"metadata": {"name": "pod1", "uid": "u1", "namespace": "default"}, "hostname": "pod1",
       "log_directory": W + "/logs", "linux": {"cgroup_parent": "/k8s-ci", "security_context": OWN_PIDS}}
pod = call("RunPodSandbox", config=POD)["pod_sandbox_id"]


def start(name, *command):
    config = {"metadata": {"name": name}, "image": {"image": "docker.io/library/bb:latest"},
              "command": list(command), "log_path": name + ".log",
              "linux": {"resources": {"memory_limit_in_bytes": 64 << 20}, "security_context": OWN_PIDS}}
    made = call("CreateContainer", pod_sandbox_id=pod, sandbox_config=POD, config=config)["container_id"]
    call("StartContainer", container_id=made)
    return made


web = start("web", "httpd", "-f", "-p", "80", "-h", "/www")
side = start("side", "sh", "-c", 'trap "exit 4" TERM; while :; do wget -qO- http://127.0.0.1/; sleep 0.2; done')
ran = call("ExecSync", container_id=side, cmd=["sh", "-c", "hostname; exit 9"], timeout=10)
assert ran["exit_code"] == 9 and base64.b64decode(ran["stdout"]) == b"pod1\n", ran
assert call("PodSandboxStatus", pod_sandbox_id=pod)["status"]["network"]["ip"].startswith("10.99.0.")
assert "memory" in call("ContainerStats", container_id=web)["stats"]
call("ListPodSandboxStats")
call("UpdateContainerResources", container_id=web, linux={"memory_limit_in_bytes": 32 << 20})
for _ in range(100):
    if "hello-www" in open(W + "/logs/side.log").read():
        break
    time.sleep(0.1)
else:
    sys.exit("the members of the pod do not share a network")
call("StopContainer", container_id=side, timeout=5)
status = call("ContainerStatus", container_id=side)["status"]
assert (status["state"], status["exit_code"]) == ("CONTAINER_EXITED", 4), status
call("RemoveContainer", container_id=side)
call("StopPodSandbox", pod_sandbox_id=pod)
call("RemovePodSandbox", pod_sandbox_id=pod)
print("all of it worked")
