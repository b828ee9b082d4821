"""The tables that an AdCast server remembers. Ids are never used twice, so a device can be told which are gone."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS tenants (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, plan TEXT NOT NULL DEFAULT 'free');
CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'tenant_admin');
CREATE TABLE IF NOT EXISTS tokens (id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, hash TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS devices (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE,
  tenant_id INTEGER REFERENCES tenants, name TEXT, model TEXT, os_version TEXT, app_version TEXT, license_key TEXT,
  pairing_code TEXT UNIQUE, is_locked INTEGER NOT NULL DEFAULT 0, lock_pin TEXT, show_watermark INTEGER NOT NULL DEFAULT 0,
  device_group_id INTEGER, location_id INTEGER, telemetry_json TEXT NOT NULL DEFAULT '{}',
  last_seen_at REAL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  name TEXT NOT NULL, type TEXT NOT NULL, mime TEXT, file_size INTEGER, file_hash TEXT, source_url TEXT, duration NUMERIC,
  status TEXT NOT NULL DEFAULT 'active', created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS content_by_hash ON content (file_hash);
CREATE TABLE IF NOT EXISTS playlists (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  name TEXT NOT NULL, transition_json TEXT NOT NULL, is_default INTEGER NOT NULL DEFAULT 0, layout_json TEXT);
CREATE TABLE IF NOT EXISTS playlist_items (id INTEGER PRIMARY KEY AUTOINCREMENT,
  playlist_id INTEGER NOT NULL REFERENCES playlists ON DELETE CASCADE,
  content_id INTEGER NOT NULL REFERENCES content ON DELETE CASCADE,
  position INTEGER NOT NULL, duration NUMERIC, extra_json TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS schedules (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  playlist_id INTEGER NOT NULL REFERENCES playlists ON DELETE CASCADE, schedulable_type TEXT NOT NULL, schedulable_id INTEGER,
  rule_json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS commands (id INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, type TEXT NOT NULL, payload_json TEXT NOT NULL,
  created_at REAL NOT NULL, expires_at REAL, delivered_at REAL, status TEXT NOT NULL DEFAULT 'pending', message TEXT,
  started_at REAL, finished_at REAL, result_json TEXT);
CREATE TABLE IF NOT EXISTS alerts (id INTEGER PRIMARY KEY AUTOINCREMENT, tenant_id INTEGER NOT NULL REFERENCES tenants,
  device_id INTEGER REFERENCES devices ON DELETE CASCADE, title TEXT NOT NULL, message TEXT NOT NULL, severity TEXT NOT NULL,
  starts_at REAL, expires_at REAL, image_url TEXT, color TEXT);
CREATE TABLE IF NOT EXISTS plays (device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, event_id TEXT NOT NULL,
  received_at REAL NOT NULL, event_json TEXT NOT NULL, PRIMARY KEY (device_id, event_id));
CREATE TABLE IF NOT EXISTS faults (device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, fault_key TEXT NOT NULL,
  first_seen_at REAL NOT NULL, last_seen_at REAL NOT NULL, is_active INTEGER NOT NULL, fault_json TEXT NOT NULL,
  PRIMARY KEY (device_id, fault_key));
CREATE TABLE IF NOT EXISTS screenshots (id INTEGER PRIMARY KEY AUTOINCREMENT,
  device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, command_id TEXT, taken_at REAL, width INTEGER, height INTEGER,
  file_hash TEXT NOT NULL, received_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (device_id INTEGER NOT NULL REFERENCES devices ON DELETE CASCADE, content_id INTEGER NOT NULL,
  PRIMARY KEY (device_id, content_id));
"""
