"""A Service that leads to one copy of the front door: that with the label `door`."""

DOOR = """
apiVersion: v1
kind: Service
metadata: {{name: door-{name}}}
spec:
  type: NodePort
  selector: {{door: {name}}}
  ports: [{{port: 443, targetPort: https, nodePort: {port}}}]
"""
